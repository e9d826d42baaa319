using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Google.Apis.Auth.OAuth2;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Encryption;
using Obot.Grains.Encryption.Google;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Tests.Encryption.Kms;

/// <summary>Cloud KMS' REST, checksums included.</summary>
internal sealed class GoogleStub() : KmsStub(tls: false)
{
    public const string Key = "projects/p/locations/l/keyRings/r/cryptoKeys/k";
    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);

    /// <summary>Answers carry a checksum of something else.</summary>
    public bool DamagesAnswers { get; set; }

    /// <summary>What it says about the checksums of requests.</summary>
    public bool Verifies { get; set; } = true;

    public override IKeyWrapper Wrapper() => new GoogleKeyWrapper(
        new() { KeyName = Key, Endpoint = Url }, new HttpClient(), _ => Task.FromResult<ITokenAccess>(GoogleCredential.FromAccessToken("ya29.test")));

    protected override Task AnswerAsync(HttpContext context, string body)
    {
        if (context.Request.Headers.Authorization != "Bearer ya29.test")
        {
            return Error(context, 401, "UNAUTHENTICATED", "Request is missing required authentication credential.");
        }

        switch (Now())
        {
            case KmsMood.Disabled: return Error(context, 400, "FAILED_PRECONDITION", $"{Key}/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.");
            case KmsMood.Denied: return Error(context, 403, "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource.");
            case KmsMood.Throttled: return Error(context, 429, "RESOURCE_EXHAUSTED", "Quota exceeded");
            case KmsMood.Broken: return Error(context, 503, "UNAVAILABLE", "Try again");
        }

        var json = JsonNode.Parse(body)!.AsObject();
        var associated = Checked(json, "additionalAuthenticatedData");
        if (context.Request.Path == $"/v1/{Key}:encrypt")
        {
            var ciphertext = Seal(key, Checked(json, "plaintext"), Encoding.UTF8.GetString(associated));
            return Json(context, 200, new()
            {
                ["name"] = Key + "/cryptoKeyVersions/1",
                ["ciphertext"] = Convert.ToBase64String(ciphertext),
                ["ciphertextCrc32c"] = Crc(ciphertext),
                ["verifiedPlaintextCrc32c"] = Verifies,
                ["verifiedAdditionalAuthenticatedDataCrc32c"] = Verifies,
                ["protectionLevel"] = "SOFTWARE",
            });
        }

        if (context.Request.Path != $"/v1/{Key}:decrypt")
        {
            return Error(context, 404, "NOT_FOUND", $"{context.Request.Path} not found.");
        }

        return Open(key, Checked(json, "ciphertext"), Encoding.UTF8.GetString(associated)) is { } plain
            ? Json(context, 200, new() { ["plaintext"] = Convert.ToBase64String(plain), ["plaintextCrc32c"] = Crc(plain), ["usedPrimary"] = true })
            : Error(context, 400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.");
    }

    /// <summary>Bytes of a field, whose checksum must be right: Castagnoli's polynomial bit by bit, unlike the code under test.</summary>
    private static byte[] Checked(JsonObject json, string field)
    {
        var bytes = Convert.FromBase64String((string)json[field]!);
        Assert.Equal(Plain(bytes), (string?)json[field + "Crc32c"]);
        return bytes;
    }

    private string Crc(byte[] bytes) => DamagesAnswers ? Plain([.. bytes, 1]) : Plain(bytes);

    private static string Plain(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
            }
        }

        return $"{~crc}";
    }

    private static Task Error(HttpContext context, int status, string code, string message) =>
        Json(context, status, new() { ["error"] = new JsonObject { ["code"] = status, ["status"] = code, ["message"] = message } });
}
