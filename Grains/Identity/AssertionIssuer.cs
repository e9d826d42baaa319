using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Identity;

/// <inheritdoc cref="IAssertionIssuer"/>
internal sealed class AssertionIssuer(ClusterKeys keys, IServerAccess access, IOptions<SecurityOptions> options, TimeProvider time) : IAssertionIssuer
{
    private const string Issuer = "obot";
    private const string AssertionType = "obot-assertion+jwt";
    private const string GuardType = "obot-guard+jwt";
    private const string ControlAudience = "obot-control";
    private const string GenerationClaim = "gen";
    private const int MaxGroupCharacters = 8000;
    private static readonly TimeSpan RenewBefore = TimeSpan.FromSeconds(15);

    private readonly JsonWebTokenHandler handler = new() { SetDefaultTimesOnTokenCreation = false };
    private SigningCredentials? credentials;
    private string? publicKeys;

    public string PublicKeys => publicKeys ??= WritePublicKeys();

    private SigningCredentials Credentials => credentials ??= new(
        new ECDsaSecurityKey(keys.SigningKey) { KeyId = keys.SigningKeyId }, SecurityAlgorithms.EcdsaSha256);

    public Assertion Issue(Principal principal, McpInstanceId instance)
    {
        var now = time.GetUtcNow();
        var expires = now + IAssertionIssuer.Lifetime;
        var token = Sign(AssertionType, instance.ToString(), now, expires, new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["sub"] = principal.UserId,
            ["role"] = principal.Role.ToString(),
            ["cid"] = principal.CredentialId,
            ["groups"] = GroupsOf(principal),
        });
        return new(token, expires - RenewBefore);
    }

    public string IssueGuardCredential(McpInstanceId instance, long generation)
    {
        var now = time.GetUtcNow();
        return Sign(GuardType, ControlAudience, now, now + options.Value.GuardCredentialLifetime, new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["sub"] = instance.ToString(),
            [GenerationClaim] = generation.ToString(CultureInfo.InvariantCulture),
        });
    }

    public async Task<GuardIdentity?> VerifyGuardCredential(string credential, CancellationToken cancellationToken)
    {
        var result = await handler.ValidateTokenAsync(credential, new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidAudience = ControlAudience,
            ValidTypes = [GuardType],
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKey = Credentials.Key,
            LifetimeValidator = (_, expires, _, _) => expires > time.GetUtcNow().UtcDateTime,
        });
        return result.IsValid
            && result.SecurityToken is JsonWebToken token
            && McpInstanceId.TryParse(token.Subject, out var instance)
            && token.TryGetValue<string>(GenerationClaim, out var text)
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
            ? new(instance, generation)
            : null;
    }

    public async Task<string?> VerifyAssertion(string assertion, McpInstanceId instance, CancellationToken cancellationToken)
    {
        var result = await handler.ValidateTokenAsync(assertion, new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidAudience = instance.ToString(),
            ValidTypes = [AssertionType],
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKey = Credentials.Key,
            LifetimeValidator = (_, expires, _, _) => expires + IAssertionIssuer.WaitingGrace > time.GetUtcNow().UtcDateTime,
        });
        return result is { IsValid: true, SecurityToken: JsonWebToken { Subject.Length: > 0 } token } ? token.Subject : null;
    }

    public async Task<Principal?> ReadAssertion(string assertion, McpInstanceId instance, CancellationToken cancellationToken)
    {
        var result = await handler.ValidateTokenAsync(assertion, new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidAudience = instance.ToString(),
            ValidTypes = [AssertionType],
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKey = Credentials.Key,
            LifetimeValidator = (_, expires, _, _) => expires > time.GetUtcNow().UtcDateTime,
        });
        return result is { IsValid: true, SecurityToken: JsonWebToken { Subject.Length: > 0 } token }
            && token.TryGetValue<string>("role", out var role) && Enum.TryParse<Role>(role, out var parsed)
            ? new(token.Subject, parsed, token.TryGetValue<string>("cid", out var credential) ? credential : "", [Scopes.Mcp])
            {
                Groups = token.TryGetValue<string[]>("groups", out var groups) ? groups : [],
            }
            : null;
    }

    public byte[] DeriveKey(string purpose, string subject) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, keys.Secret, 32, info: Encoding.UTF8.GetBytes($"{purpose}\0{subject}"));

    /// <summary>
    /// All groups while they are few. Of many only those that rules name can decide anything; if those are too many as well, the rest
    /// opens nothing: an assertion has to fit into a request's headers.
    /// </summary>
    private string[] GroupsOf(Principal principal) => principal.Groups.Sum(group => group.Length + 3) <= MaxGroupCharacters
        ? [.. principal.Groups]
        : [.. TakeFitting(principal.Groups.Where(access.IsNamed).Order(StringComparer.Ordinal))];

    private static IEnumerable<string> TakeFitting(IEnumerable<string> groups)
    {
        var left = MaxGroupCharacters;
        return groups.TakeWhile(group => (left -= group.Length + 3) >= 0);
    }

    private string Sign(string type, string audience, DateTimeOffset now, DateTimeOffset expires, Dictionary<string, object> claims) =>
        handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = audience,
            TokenType = type,
            IssuedAt = now.UtcDateTime,
            Expires = expires.UtcDateTime,
            Claims = claims,
            SigningCredentials = Credentials,
        });

    private string WritePublicKeys()
    {
        var key = keys.SigningKey.ExportParameters(includePrivateParameters: false);
        return $$"""{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"{{keys.SigningKeyId}}","x":"{{Base64UrlEncoder.Encode(key.Q.X)}}","y":"{{Base64UrlEncoder.Encode(key.Q.Y)}}"}]}""";
    }
}
