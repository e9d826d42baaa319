using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Encryption;
using Obot.Grains.Encryption.Aws;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Tests.Encryption.Kms;

/// <summary>AWS JSON 1.1, <c>TrentService.Encrypt</c> and <c>.Decrypt</c>, for the real SDK.</summary>
internal sealed class AwsStub() : KmsStub(tls: false)
{
    public const string Key = "arn:aws:kms:eu-central-1:1:key/one";
    private readonly Dictionary<string, byte[]> keys = new(StringComparer.Ordinal) { [Key] = RandomNumberGenerator.GetBytes(32), [Key + "2"] = RandomNumberGenerator.GetBytes(32) };

    public override IKeyWrapper Wrapper() => Wrapper(Key);

    public IKeyWrapper Wrapper(string key, params string[] previous)
    {
        var options = new EncryptionOptions.AwsOptions { KeyId = key, Region = "eu-central-1", Endpoint = Url };
        Array.ForEach(previous, options.PreviousKeys.Add);
        return new AwsKeyWrapper(options, TimeSpan.FromSeconds(5), new BasicAWSCredentials("AKTEST", "secret"));
    }

    protected override Task AnswerAsync(HttpContext context, string body)
    {
        if (!context.Request.Headers.Authorization.ToString().StartsWith("AWS4-HMAC-SHA256 Credential=AKTEST/", StringComparison.Ordinal))
        {
            return Error(context, 403, "MissingAuthenticationTokenException");
        }

        var json = JsonNode.Parse(body)!.AsObject();
        var id = (string)json["KeyId"]!;
        var bound = json["EncryptionContext"]!.ToJsonString();
        switch (Now())
        {
            case KmsMood.Disabled: return Error(context, 400, "DisabledException", $"{id} is disabled.");
            case KmsMood.Denied: return Error(context, 400, "AccessDeniedException", $"User is not authorized to perform: kms:Decrypt on resource: {id}");
            case KmsMood.Throttled: return Error(context, 400, "ThrottlingException", "Rate exceeded");
            case KmsMood.Broken: return Error(context, 500, "KMSInternalException");
        }

        if (!keys.TryGetValue(id, out var key))
        {
            return Error(context, 400, "NotFoundException", $"Key '{id}' does not exist");
        }

        switch (context.Request.Headers["X-Amz-Target"].ToString())
        {
            case "TrentService.Encrypt":
                var blob = Seal(key, Convert.FromBase64String((string)json["Plaintext"]!), bound);
                return Json(context, 200, new() { ["CiphertextBlob"] = Convert.ToBase64String(blob), ["KeyId"] = id, ["EncryptionAlgorithm"] = "SYMMETRIC_DEFAULT" });
            case "TrentService.Decrypt":
                return Open(key, Convert.FromBase64String((string)json["CiphertextBlob"]!), bound) is { } plain
                    ? Json(context, 200, new() { ["Plaintext"] = Convert.ToBase64String(plain), ["KeyId"] = id, ["EncryptionAlgorithm"] = "SYMMETRIC_DEFAULT" })
                    : Error(context, 400, "InvalidCiphertextException");
            default:
                return Error(context, 400, "UnknownOperationException");
        }
    }

    private static Task Error(HttpContext context, int status, string type, string? message = null)
    {
        context.Response.Headers["x-amzn-errortype"] = type;
        return Json(context, status, new() { ["__type"] = type, ["message"] = message });
    }
}
