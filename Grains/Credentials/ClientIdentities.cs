using System.Text;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Credentials.Authorization;

namespace Obot.Grains.Credentials;

/// <summary>
/// Who we are at the authorization server of a server: the client that an administrator entered, else our metadata document, else a
/// registration that all users of the server share. Each is bound to one issuer: to another one it is never shown.
/// </summary>
internal sealed class ClientIdentities(IDbContextFactory<ObotDb> databases, IEncryption encryption, TokenRequests requests, PlatformAddresses addresses, TimeProvider time)
{
    private static readonly TimeSpan SecretMargin = TimeSpan.FromMinutes(5);

    /// <param name="staticOnly"><c>remoteConfig.staticOAuthRequired</c>.</param>
    /// <exception cref="AuthorizationFault">There is none, and none can be got.</exception>
    public async Task<ClientIdentity> EnsureAsync(string serverId, AuthorizationTarget target, bool staticOnly, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.ThirdPartyClients.Where(row => row.ServerId == serverId).ToDictionaryAsync(row => row.Kind, StringComparer.Ordinal, cancellationToken);
        if (rows.GetValueOrDefault(ThirdPartyClients.Static) is { } entered)
        {
            return await BindAsync(db, entered, target, cancellationToken);
        }

        if (staticOnly)
        {
            throw new AuthorizationFault($"An administrator has to enter an OAuth client of '{target.Issuer}' for this server first (POST /api/mcp-servers/{serverId}/oauth-credentials, or the server's page in the console); its redirect URL is {addresses.RedirectUri}.");
        }

        if (target.TakesMetadataDocuments && addresses.ClientMetadata is { } document)
        {
            return new(document, null, AuthMethods.None);
        }

        if (rows.GetValueOrDefault(ThirdPartyClients.Dynamic) is { } registered && registered.Issuer == target.Issuer && !(registered.ExpiresAt < time.GetUtcNow() + SecretMargin))
        {
            return Identity(registered, target.AuthMethods);
        }

        return target.RegistrationEndpoint is { } endpoint
            ? await RegisterAsync(serverId, target, endpoint, cancellationToken)
            : throw new AuthorizationFault($"The authorization server '{target.Issuer}' takes no registrations: an administrator has to enter an OAuth client for this server (POST /api/mcp-servers/{serverId}/oauth-credentials); its redirect URL is {addresses.RedirectUri}.");
    }

    /// <summary>The grant by which the entered client gets tokens without the user; null where users sign in.</summary>
    public async Task<string?> MachineGrantAsync(string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.ThirdPartyClients.AsNoTracking().Where(row => row.ServerId == serverId && row.Kind == ThirdPartyClients.Static).Select(row => row.GrantKind).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>The client that tokens were issued to, with the secret as it is now.</summary>
    public async Task<ClientIdentity> FindAsync(string serverId, Connection connection, CancellationToken cancellationToken)
    {
        var (clientId, issuer) = (connection.ClientId, connection.Issuer);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var row = await db.ThirdPartyClients.AsNoTracking()
            .Where(row => row.ServerId == serverId && row.ClientId == clientId && row.Issuer == issuer).OrderByDescending(row => row.Kind).FirstOrDefaultAsync(cancellationToken);
        return row is null ? new(clientId, connection.ClientSecret, connection.AuthMethod, issuer) : Identity(row, null) with { AuthMethod = connection.AuthMethod, Issuer = issuer };
    }

    /// <summary>A registration that the authorization server does not know any more is made again.</summary>
    public async Task ForgetAsync(string serverId, string clientId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.ThirdPartyClients.Where(row => row.ServerId == serverId && row.Kind == ThirdPartyClients.Dynamic && row.ClientId == clientId).ExecuteDeleteAsync(cancellationToken);
    }

    private async Task<ClientIdentity> BindAsync(ObotDb db, ThirdPartyClientRow row, AuthorizationTarget target, CancellationToken cancellationToken)
    {
        if (row.Issuer is null)
        {
            row.Issuer = target.Issuer;
            await db.SaveChangesAsync(cancellationToken);
        }

        return row.Issuer == target.Issuer
            ? Identity(row, target.AuthMethods)
            : throw new AuthorizationFault($"The server names the authorization server '{target.Issuer}', but the OAuth client that was entered for it belongs to '{row.Issuer}'. It is not shown to another one: an administrator has to enter it again if that is right.");
    }

    private ClientIdentity Identity(ThirdPartyClientRow row, IReadOnlyList<string>? supported)
    {
        var secret = row.ClientSecret is { } bytes ? Encoding.UTF8.GetString(encryption.Decrypt(ThirdPartyClients.Place(row.ServerId, row.Kind), bytes)) : null;
        return new(row.ClientId, secret, row.AuthMethod ?? AuthMethods.For(supported, secret is not null), row.Issuer);
    }

    private async Task<ClientIdentity> RegisterAsync(string serverId, AuthorizationTarget target, string endpoint, CancellationToken cancellationToken)
    {
        string[] ours = [AuthMethods.Basic, AuthMethods.Post, AuthMethods.None];
        var method = target.AuthMethods is null ? AuthMethods.Basic : Array.Find(ours, one => target.AuthMethods.Contains(one, StringComparer.Ordinal)) ?? AuthMethods.None;
        var answer = await requests.RegisterAsync(
            endpoint,
            new
            {
                ClientName = "Obot",
                RedirectUris = new[] { addresses.RedirectUri },
                GrantTypes = new[] { "authorization_code", "refresh_token" },
                ResponseTypes = new[] { "code" },
                TokenEndpointAuthMethod = method,
                ApplicationType = "web",
            },
            cancellationToken);
        var granted = answer.TokenEndpointAuthMethod ?? (answer.ClientSecret is null ? AuthMethods.None : method == AuthMethods.None ? AuthMethods.For(target.AuthMethods, hasSecret: true) : method);
        var secret = answer.ClientSecret is { } text ? encryption.Encrypt(ThirdPartyClients.Place(serverId, ThirdPartyClients.Dynamic), Encoding.UTF8.GetBytes(text)) : null;
        var expires = answer.ClientSecretExpiresAt is > 0 and var seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : (DateTimeOffset?)null;

        // whoever registered at the same time keeps its own for its own sign-in; later ones share the last
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO third_party_clients (server_id, kind, issuer, client_id, client_secret, auth_method, created_at, expires_at)
            SELECT id, {ThirdPartyClients.Dynamic}, {target.Issuer}, {answer.ClientId}, {secret}, {granted}, {time.Now()}, {expires} FROM mcp_servers WHERE id = {serverId}
            ON CONFLICT (server_id, kind) DO UPDATE SET issuer = excluded.issuer, client_id = excluded.client_id, client_secret = excluded.client_secret,
                auth_method = excluded.auth_method, created_at = excluded.created_at, expires_at = excluded.expires_at
            """,
            cancellationToken);
        return new(answer.ClientId!, answer.ClientSecret, granted);
    }
}
