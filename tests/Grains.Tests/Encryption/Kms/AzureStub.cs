using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Azure.Core;
using Azure.Core.Pipeline;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Encryption;
using Obot.Grains.Encryption.Azure;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Tests.Encryption.Kms;

/// <summary>Key Vault's REST over TLS, with its challenge and real RSA keys.</summary>
internal sealed class AzureStub() : KmsStub(tls: true)
{
    private readonly RSA rsa = RSA.Create(2048);

    public TestCredential Credential { get; } = new();

    /// <summary>For whom the challenge asks a token.</summary>
    public string Resource { get; set; } = "https://127.0.0.1";

    /// <summary>Bodies that came without a token.</summary>
    public ConcurrentQueue<string> Unauthenticated { get; } = [];

    public override IKeyWrapper Wrapper() => Wrapper($"{Url}/keys/obot");

    public IKeyWrapper Wrapper(string keyUrl) => new AzureKeyWrapper(
        new() { KeyUrl = keyUrl },
        Credential,
        new HttpClientTransport(new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = Trust } })));

    protected override Task AnswerAsync(HttpContext context, string body)
    {
        if (context.Request.Headers.Authorization != "Bearer https://127.0.0.1/.default for tenant-1")
        {
            Unauthenticated.Enqueue(body);
            context.Response.Headers.WWWAuthenticate = $"Bearer authorization=\"https://login.example/tenant-1\", resource=\"{Resource}\"";
            return Error(context, 401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.");
        }

        Assert.Equal("7.4", context.Request.Query["api-version"]);
        switch (Now())
        {
            case KmsMood.Disabled: return Error(context, 403, "Forbidden", "Operation wrapKey is not allowed on a disabled key. KeyDisabled");
            case KmsMood.Denied: return Error(context, 403, "Forbidden", "The user, group or application does not have keys unwrap permission. ForbiddenByPolicy");
            case KmsMood.Throttled: return Error(context, 429, "Throttled", "Request was not processed because too many requests were received.");
            case KmsMood.Broken: return Error(context, 500, "InternalError", "");
        }

        var kid = $"{Url}/keys/obot/v1";
        switch (context.Request.Method, context.Request.Path.Value)
        {
            case ("GET", "/keys/obot" or "/keys/obot/v1"):
                var half = rsa.ExportParameters(includePrivateParameters: false);
                return Json(context, 200, new()
                {
                    ["key"] = new JsonObject
                    {
                        ["kid"] = kid, ["kty"] = "RSA", ["key_ops"] = new JsonArray("wrapKey", "unwrapKey"), ["n"] = Base64Url.EncodeToString(half.Modulus), ["e"] = Base64Url.EncodeToString(half.Exponent),
                    },
                    ["attributes"] = new JsonObject { ["enabled"] = true },
                });
            case ("POST", "/keys/obot/v1/wrapkey"):
                return Json(context, 200, new() { ["kid"] = kid, ["value"] = Base64Url.EncodeToString(rsa.Encrypt(Value(body), RSAEncryptionPadding.OaepSHA256)) });
            case ("POST", "/keys/obot/v1/unwrapkey"):
                try
                {
                    return Json(context, 200, new() { ["kid"] = kid, ["value"] = Base64Url.EncodeToString(rsa.Decrypt(Value(body), RSAEncryptionPadding.OaepSHA256)) });
                }
                catch (CryptographicException)
                {
                    return Error(context, 400, "BadParameter", "The parameter is incorrect.");
                }

            default:
                return Error(context, 404, "KeyNotFound", $"A key with {context.Request.Path} was not found in this key vault.");
        }
    }

    private static byte[] Value(string body)
    {
        var json = JsonNode.Parse(body)!;
        Assert.Equal("RSA-OAEP-256", (string?)json["alg"]);
        return Base64Url.DecodeFromChars((string?)json["value"]);
    }

    private static Task Error(HttpContext context, int status, string code, string message) =>
        Json(context, status, new() { ["error"] = new JsonObject { ["code"] = code, ["message"] = message } });

    internal sealed class TestCredential : TokenCredential
    {
        public int Asked { get; private set; }

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
        {
            Asked++;
            return new($"{requestContext.Scopes[0]} for {requestContext.TenantId}", TimeProvider.System.GetUtcNow().AddHours(1));
        }

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => new(GetToken(requestContext, cancellationToken));
    }
}
