using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Grains.Abstractions.Security;
using OpenIddict.Abstractions;
using OpenIddict.Core;
using OpenIddict.EntityFrameworkCore.Models;

namespace Obot.Gateway.OAuth.Tokens;

/// <summary>
/// A grant that ends, by revocation or because one of its refresh tokens came twice, is announced in the same transaction: its access
/// tokens leave every verdict cache within a second.
/// </summary>
internal sealed class TokenManager(
    ObotDb db,
    IOpenIddictTokenCache<OpenIddictEntityFrameworkCoreToken> cache,
    ILogger<OpenIddictTokenManager<OpenIddictEntityFrameworkCoreToken>> logger,
    IOptionsMonitor<OpenIddictCoreOptions> options,
    IOpenIddictTokenStore<OpenIddictEntityFrameworkCoreToken> store)
    : OpenIddictTokenManager<OpenIddictEntityFrameworkCoreToken>(cache, logger, options, store)
{
    public override async ValueTask<long> RevokeByAuthorizationIdAsync(string identifier, CancellationToken cancellationToken = default)
    {
        await using var transaction = db.Database.CurrentTransaction is null ? await db.Database.BeginTransactionAsync(cancellationToken) : null;
        var revoked = await base.RevokeByAuthorizationIdAsync(identifier, cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Grant, identifier, cancellationToken);
        await (transaction?.CommitAsync(cancellationToken) ?? Task.CompletedTask);
        return revoked;
    }
}
