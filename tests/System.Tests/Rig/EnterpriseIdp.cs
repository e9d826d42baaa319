using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Obot.SystemTests.Rig;

/// <summary>An organization's identity provider as far as identity assertions need one: discovery, keys, and assertions of any shape.</summary>
internal sealed class EnterpriseIdp : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private EnterpriseIdp(WebApplication app) => this.app = app;

    public string Issuer => app.Urls.Single();

    public static async Task<EnterpriseIdp> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var idp = new EnterpriseIdp(builder.Build());
        idp.app.MapGet("/.well-known/openid-configuration", () => Results.Json(new
        {
            issuer = idp.Issuer,
            jwks_uri = $"{idp.Issuer}/jwks",
            authorization_endpoint = $"{idp.Issuer}/authorize",
            token_endpoint = $"{idp.Issuer}/token",
        }));
        idp.app.MapGet("/jwks", () =>
        {
            var point = idp.key.ExportParameters(includePrivateParameters: false).Q;
            return Results.Json(new { keys = new[] { new { kty = "EC", crv = "P-256", kid = "k1", use = "sig", alg = "ES256", x = Base64Url.EncodeToString(point.X), y = Base64Url.EncodeToString(point.Y) } } });
        });
        await idp.app.StartAsync();
        return idp;
    }

    /// <summary>An assertion for somebody; changes replace claims, or header members whose name begins with <c>header:</c>. Null removes.</summary>
    public string Assert(string audience, string clientId, string resource, ECDsa? signer = null, params (string Name, JsonNode? Value)[] changes)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var header = new JsonObject { ["alg"] = "ES256", ["typ"] = "oauth-id-jag+jwt", ["kid"] = "k1" };
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["sub"] = "alice@example.com",
            ["aud"] = audience,
            ["client_id"] = clientId,
            ["resource"] = resource,
            ["scope"] = "mcp",
            ["jti"] = Guid.NewGuid().ToString("N"),
            ["iat"] = now,
            ["exp"] = now + 120,
        };
        foreach (var (name, value) in changes)
        {
            if (name.StartsWith("header:", StringComparison.Ordinal))
            {
                header[name["header:".Length..]] = value;
            }
            else if (value is null)
            {
                claims.Remove(name);
            }
            else
            {
                claims[name] = value;
            }
        }

        var text = $"{Part(header)}.{Part(claims)}";
        return $"{text}.{Base64Url.EncodeToString((signer ?? key).SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256))}";
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        key.Dispose();
    }

    private static string Part(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));
}
