using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Identity;

/// <summary>
/// The bootstrap user's end. Looked at after every change of a user, wherever it came from: a promotion in the console counts as much as a
/// sign-in. That an owner has signed in shows both that there is one and that the way in works.
/// </summary>
internal sealed partial class Bootstrap(
    IDbContextFactory<ObotDb> databases, ISecurityFeed feed, IOptions<AuthOptions> options, ILogger<Bootstrap> logger) : BackgroundService, IBootstrap
{
    private readonly Channel<bool> changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public async Task<BootstrapState> State(CancellationToken cancellationToken)
    {
        if (options.Value.BootstrapIsForced)
        {
            return BootstrapState.Forced;
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Users.AnyAsync(row => row.Id == WellKnownUsers.Bootstrap && row.DisabledAt == null, cancellationToken) ? BootstrapState.Open : BootstrapState.Ended;
    }

    public async Task EndIfDue(CancellationToken cancellationToken)
    {
        if (options.Value.BootstrapIsForced)
        {
            return;
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var ended = await db.Database.ExecuteSqlAsync(
            $"""
            UPDATE users SET disabled_at = now()
             WHERE id = {WellKnownUsers.Bootstrap} AND disabled_at IS NULL
               AND EXISTS (SELECT 1 FROM users o WHERE o.kind = 'Person' AND o.role = 'Owner' AND o.disabled_at IS NULL AND o.last_seen_at IS NOT NULL
                              AND (EXISTS (SELECT 1 FROM user_identities i WHERE i.user_id = o.id) OR EXISTS (SELECT 1 FROM local_accounts l WHERE l.user_id = o.id)))
            """,
            cancellationToken);
        if (ended > 0)
        {
            await db.AnnounceAsync(SecurityChangeKinds.User, WellKnownUsers.Bootstrap, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            Ended();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var subscription = feed.Subscribe(change =>
        {
            if (change.Kind is SecurityChangeKinds.User or SecurityChangeKinds.Everything)
            {
                changes.Writer.TryWrite(true);
            }
        });
        changes.Writer.TryWrite(true);
        try
        {
            await foreach (var _ in changes.Reader.ReadAllAsync(stoppingToken))
            {
                try
                {
                    await EndIfDue(stoppingToken);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    NotLookedAt(e);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    [LoggerMessage(LogLevel.Information, "The bootstrap token has ended: an owner has signed in. Obot__Auth__BootstrapToken in the environment would keep one on")]
    private partial void Ended();

    [LoggerMessage(LogLevel.Warning, "Whether the bootstrap token is to end could not be looked up; trying again after the next change of a user")]
    private partial void NotLookedAt(Exception exception);
}
