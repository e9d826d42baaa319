using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Obot.Data;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary>Section <c>Obot:Auth</c>.</summary>
public sealed class AuthOptions
{
    /// <summary>
    /// A bearer with the owner's rights for <c>/api</c> and <c>/mcp-connect</c>. Default: generated into the data folder at first start.
    /// At least 16 characters.
    /// </summary>
    public string? BootstrapToken { get; set; }

    /// <summary>E-mail addresses whose users are owners, and stay owners. Default: none.</summary>
    public IList<string> OwnerEmails { get; } = [];

    /// <summary>E-mail addresses whose users are administrators at least. Default: none.</summary>
    public IList<string> AdminEmails { get; } = [];
}

/// <inheritdoc cref="ISignIn"/>
internal sealed class SignIn(IOptions<AuthOptions> options, IApiKeys apiKeys, IDbContextFactory<ObotDb> databases, TimeProvider time) : ISignIn
{
    private static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(10);

    private static readonly Principal Owner = new(WellKnownUsers.Bootstrap, Role.Owner, "bootstrap", Scopes.All);

    private readonly byte[]? bootstrap = options.Value.BootstrapToken is { Length: > 0 } token ? Hash(token) : null;

    public async Task<Principal?> WithToken(string token, CancellationToken cancellationToken)
    {
        if (bootstrap is not null && CryptographicOperations.FixedTimeEquals(bootstrap, Hash(token)))
        {
            return Owner;
        }

        var found = await apiKeys.Authenticate(token, cancellationToken);
        return found?.Principal is { } principal && principal.Has(Scopes.Api) ? principal : null;
    }

    public async Task<Principal?> WithCode(string code, CancellationToken cancellationToken)
    {
        var hash = Hash(code);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        var user = await db.Database
            .SqlQuery<string>($"DELETE FROM sign_in_codes WHERE hash = {hash} AND expires_at > {now} RETURNING user_id AS \"Value\"")
            .ToListAsync(cancellationToken);
        return user is [WellKnownUsers.Bootstrap] ? Owner : null;
    }

    public async Task<string> IssueCode(string userId, CancellationToken cancellationToken)
    {
        var code = Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(24));
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        await db.Database.ExecuteSqlAsync(
            $"""
            DELETE FROM sign_in_codes WHERE expires_at <= {now};
            INSERT INTO sign_in_codes (hash, user_id, expires_at) VALUES ({Hash(code)}, {userId}, {now + CodeLifetime});
            """,
            cancellationToken);
        return code;
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
