using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using OpenIddict.EntityFrameworkCore.Models;

namespace Obot.Grains.Identity;

/// <summary>Reads and ends grants in the authorization server's tables; it issues nothing.</summary>
internal sealed class ConnectedApplications(IDbContextFactory<ObotDb> databases) : IConnectedApplications
{
    private const string Valid = "valid";
    private const string Revoked = "revoked";
    private const string Consent = "permanent";

    public async Task<IReadOnlyList<ConnectedApplication>> List(string userId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await Authorizations(db, userId).Where(row => row.Type == Consent).OrderBy(row => row.CreationDate)
            .Select(row => new
            {
                row.Application!.Id,
                row.Application.ClientId,
                row.Application.DisplayName,
                row.Application.RedirectUris,
                row.Scopes,
                row.CreationDate,
                LastUsed = db.Set<OpenIddictEntityFrameworkCoreToken>().Where(token => token.Subject == userId && token.Application!.Id == row.Application.Id).Max(token => token.CreationDate),
            })
            .ToListAsync(cancellationToken);
        return
        [
            .. rows.GroupBy(row => row.Id, StringComparer.Ordinal).Select(group => new ConnectedApplication(
                group.Key!,
                group.First().ClientId!,
                group.First().DisplayName,
                [.. Texts(group.First().RedirectUris).Select(uri => new Uri(uri)).Select(uri => uri.Authority.Length > 0 ? uri.Authority : uri.Scheme).Distinct(StringComparer.Ordinal)],
                [.. group.SelectMany(row => Texts(row.Scopes)).Distinct(StringComparer.Ordinal)],
                new DateTimeOffset(group.First().CreationDate.GetValueOrDefault(), TimeSpan.Zero),
                group.Max(row => row.LastUsed) is { } used ? new DateTimeOffset(used, TimeSpan.Zero) : null)).Reverse(),
        ];
    }

    public async Task<bool> Disconnect(string userId, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var grants = await Authorizations(db, userId).Where(row => row.Application!.Id == id).Select(row => row.Id!).ToListAsync(cancellationToken);
        if (grants.Count == 0)
        {
            return false;
        }

        await Authorizations(db, userId).Where(row => row.Application!.Id == id)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Status, Revoked), cancellationToken);
        await db.Set<OpenIddictEntityFrameworkCoreToken>().Where(row => row.Subject == userId && row.Application!.Id == id && row.Status == Valid)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Status, Revoked), cancellationToken);
        foreach (var grant in grants)
        {
            await db.AnnounceAsync(SecurityChangeKinds.Grant, grant, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static IQueryable<OpenIddictEntityFrameworkCoreAuthorization> Authorizations(ObotDb db, string userId) =>
        db.Set<OpenIddictEntityFrameworkCoreAuthorization>().Where(row => row.Subject == userId && row.Status == Valid);

    private static string[] Texts(string? json) => string.IsNullOrEmpty(json) ? [] : JsonSerializer.Deserialize<string[]>(json) ?? [];
}
