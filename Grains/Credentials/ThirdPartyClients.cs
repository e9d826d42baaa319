using System.Text;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Credentials.Authorization;
using Obot.Grains.Hosting;

namespace Obot.Grains.Credentials;

/// <summary>Table <c>third_party_clients</c>, the part that administrators enter.</summary>
internal sealed class ThirdPartyClients(IDbContextFactory<ObotDb> databases, IEncryption encryption, PlatformAddresses addresses, TimeProvider time) : IThirdPartyClients
{
    public const string Static = "static";
    public const string Dynamic = "dynamic";
    private const string Servers = "mcp-servers";
    private const int MaxText = 2048;

    public static SecretPlace Place(string serverId, string kind) => new("third_party_clients", $"{serverId}/{kind}", "client_secret");

    public async Task<ThirdPartyClientView?> Find(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await ManagedAsync(db, caller, serverId, cancellationToken) is not null ? View(await RowAsync(db, serverId, cancellationToken)) : null;
    }

    public async Task<ThirdPartyClientView?> Set(Principal caller, string serverId, ThirdPartyClient client, CancellationToken cancellationToken)
    {
        CheckText(client.ClientID, "clientID", required: true);
        CheckText(client.ClientSecret, "clientSecret", required: false);
        if (client.PrivateKey is { Length: > 0 } pem && (client.ClientSecret is { Length: > 0 } || pem.Length > ClientAssertion.MaxKey || !ClientAssertion.TryRead(pem)))
        {
            throw new InvalidInputException("privateKey", "Must be a private key in PEM without a passphrase (P-256, P-384 or RSA), and stands in place of 'clientSecret'.");
        }

        if (client.Issuer is not null && !(Uri.TryCreate(client.Issuer, UriKind.Absolute, out var issuer) && issuer.Scheme is "https" or "http"))
        {
            throw new InvalidInputException("issuer", "Must be the issuer's URL, exactly as its metadata write it, e.g. 'https://login.example.com'.");
        }

        if (client.Grant is { } grant && grant != GrantKinds.AuthorizationCode && !GrantKinds.Machine.Contains(grant, StringComparer.Ordinal))
        {
            throw new InvalidInputException("grant", $"'{grant}' is not allowed. Allowed: '{GrantKinds.AuthorizationCode}' (default), {string.Join(", ", GrantKinds.Machine.Select(kind => $"'{kind}'"))}.");
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await ManagedAsync(db, caller, serverId, cancellationToken) is not { } server)
        {
            return null;
        }

        var row = await RowAsync(db, serverId, cancellationToken);
        if (row is null)
        {
            row = new() { ServerId = serverId, Kind = Static, ClientId = "", CreatedAt = time.Now() };
            db.ThirdPartyClients.Add(row);
        }

        (row.ClientId, row.Issuer, row.GrantKind) = (client.ClientID, client.Issuer, client.Grant == GrantKinds.AuthorizationCode ? null : client.Grant);
        row.AuthMethod = client.PrivateKey is { Length: > 0 } ? AuthMethods.PrivateKeyJwt : null;
        row.ClientSecret = (client.PrivateKey is { Length: > 0 } key ? key : client.ClientSecret) is { Length: > 0 } secret ? encryption.Encrypt(Place(serverId, Static), Encoding.UTF8.GetBytes(secret)) : null;
        db.NoteChange(time.Now(), caller.UserId, "set-oauth-client", Servers, serverId, server.Name);
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Credential, serverId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return View(row);
    }

    public async Task<bool?> Remove(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await ManagedAsync(db, caller, serverId, cancellationToken) is not { } server)
        {
            return null;
        }

        var rows = await db.ThirdPartyClients.Where(row => row.ServerId == serverId && row.Kind == Static).ExecuteDeleteAsync(cancellationToken);
        await db.WriteChangeAsync(time.Now(), caller.UserId, "remove-oauth-client", Servers, serverId, server.Name, null, cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Credential, serverId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return rows > 0;
    }

    private static async Task<ServerRow?> ManagedAsync(ObotDb db, Principal caller, string serverId, CancellationToken cancellationToken)
    {
        if (await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not { } row)
        {
            return null;
        }

        ServerSight.CheckManages(caller, row);
        return row;
    }

    private static Task<ThirdPartyClientRow?> RowAsync(ObotDb db, string serverId, CancellationToken cancellationToken) =>
        db.ThirdPartyClients.SingleOrDefaultAsync(row => row.ServerId == serverId && row.Kind == Static, cancellationToken);

    private ThirdPartyClientView View(ThirdPartyClientRow? row) => new(row is not null, row?.ClientId, row?.ClientSecret is not null, row?.Issuer, row?.GrantKind ?? GrantKinds.AuthorizationCode, addresses.RedirectUri);

    private static void CheckText(string? text, string field, bool required)
    {
        if ((required && string.IsNullOrEmpty(text)) || text?.Length > MaxText || text?.Any(char.IsControl) is true)
        {
            throw new InvalidInputException(field, $"{(required ? "Required: a" : "A")} text of at most {MaxText} characters, as the provider gave it.");
        }
    }
}
