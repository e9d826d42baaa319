using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Obot.Shim.Guard.Authorization;

namespace Obot.Shim.Tests.Guard;

public sealed class AssertionVerifierTests : IDisposable
{
    private const string Instance = "ms1abc";

    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly AssertionVerifier verifier;

    public AssertionVerifierTests() => verifier = new(Instance, KeySet(key), TimeProvider.System);

    public void Dispose() => key.Dispose();

    [Fact]
    public void Assertion_OfTheCluster_NamesTheCaller()
    {
        var caller = verifier.Verify(Token(key));
        Assert.Equal("ann", caller?.UserId);
        Assert.Equal("Owner", caller?.Role);
    }

    [Fact]
    public void Assertion_ForAnotherServer_IsRefused() => Assert.Null(verifier.Verify(Token(key, audience: "ms1other")));

    [Fact]
    public void Assertion_Expired_IsRefused() => Assert.Null(verifier.Verify(Token(key, lifetime: TimeSpan.FromSeconds(-1))));

    [Fact]
    public async Task Assertion_RememberedAndExpired_IsRefused()
    {
        var token = Token(key, lifetime: TimeSpan.FromSeconds(1));
        Assert.NotNull(verifier.Verify(token));
        await Task.Delay(TimeSpan.FromSeconds(1.2), TestContext.Current.CancellationToken);
        Assert.Null(verifier.Verify(token));
    }

    [Fact]
    public void Assertion_OfAnotherKey_IsRefused()
    {
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Null(verifier.Verify(Token(stranger)));
    }

    [Fact]
    public void Assertion_OfAnotherIssuer_IsRefused() => Assert.Null(verifier.Verify(Token(key, issuer: "elsewhere")));

    /// <summary>A guard's own credential is signed by the same key: the type tells them apart.</summary>
    [Fact]
    public void Assertion_OfAnotherType_IsRefused() => Assert.Null(verifier.Verify(Token(key, type: "obot-guard+jwt")));

    [Fact]
    public void Assertion_WithoutSignature_IsRefused()
    {
        var parts = Token(key).Split('.');
        var header = Base64UrlEncoder.Encode("""{"alg":"none","typ":"obot-assertion+jwt"}""");
        Assert.Null(verifier.Verify($"{header}.{parts[1]}."));
        Assert.Null(verifier.Verify($"{header}.{parts[1]}.{parts[2]}"));
    }

    [Fact]
    public void Assertion_WithAChangedClaim_IsRefused()
    {
        var parts = Token(key).Split('.');
        var payload = Base64UrlEncoder.Decode(parts[1]).Replace("ann", "bob", StringComparison.Ordinal);
        Assert.Null(verifier.Verify($"{parts[0]}.{Base64UrlEncoder.Encode(payload)}.{parts[2]}"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("a.b.c")]
    public void Assertion_ThatIsNone_IsRefused(string text) => Assert.Null(verifier.Verify(text));

    [Fact]
    public void Key_Retired_ForgetsWhatItSigned()
    {
        var token = Token(key);
        Assert.NotNull(verifier.Verify(token));
        using var next = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        verifier.Replace(KeySet(next));
        Assert.Null(verifier.Verify(token));
    }

    private static string Token(ECDsa signer, string audience = Instance, string issuer = "obot", string type = "obot-assertion+jwt", TimeSpan? lifetime = null)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            TokenType = type,
            Expires = now + (lifetime ?? TimeSpan.FromMinutes(1)),
            Claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = "ann", ["role"] = "Owner", ["cid"] = "k1" },
            SigningCredentials = new(new ECDsaSecurityKey(signer) { KeyId = "k" }, SecurityAlgorithms.EcdsaSha256),
        });
    }

    private static string KeySet(ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return $$"""{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k","x":"{{Base64UrlEncoder.Encode(point.X)}}","y":"{{Base64UrlEncoder.Encode(point.Y)}}"}]}""";
    }
}
