using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using OpenIddict.Abstractions;

namespace Obot.Gateway.OAuth;

/// <summary>Once an hour, on whichever silo takes the lock: removes tokens, grants, counters and unused clients that time has passed.</summary>
internal sealed partial class Housekeeping(IServiceScopeFactory scopes, IOptions<OAuthOptions> options, TimeProvider time, ILogger<Housekeeping> logger) : BackgroundService
{
    /// <summary>"sweep" in ASCII.</summary>
    private const long Lock = 0x7377656570;
    private static readonly TimeSpan Round = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Round, time);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(stoppingToken);
                await using var scope = scopes.CreateAsyncScope();
                await SweepAsync(scope.ServiceProvider, stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                LogLater(e);
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    internal async Task SweepAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var db = services.GetRequiredService<ObotDb>();
        await using var held = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(cancellationToken);
        await using var take = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", held) { Parameters = { new() { Value = Lock } } };
        if (await take.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return;
        }

        var now = time.GetUtcNow();
        var hourAgo = now - Round;
        var unused = now - options.Value.UnusedClientLifetime;

        // redeemed refresh tokens stay as long as they could be replayed
        await services.GetRequiredService<IOpenIddictTokenManager>().PruneAsync(now - options.Value.RefreshTokenLifetime, cancellationToken);
        await services.GetRequiredService<IOpenIddictAuthorizationManager>().PruneAsync(now - options.Value.RefreshTokenLifetime, cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            DELETE FROM used_assertions WHERE expires_at < {now};
            DELETE FROM rate_windows WHERE started_at < {hourAgo};
            DELETE FROM oauth_applications a
             WHERE (a.properties::jsonb ->> 'registered_at')::timestamptz < {unused}
               AND NOT EXISTS (SELECT FROM oauth_authorizations z WHERE z.application_id = a.id)
               AND NOT EXISTS (SELECT FROM oauth_tokens t WHERE t.application_id = a.id);
            """,
            cancellationToken);
        await using var release = new NpgsqlCommand("SELECT pg_advisory_unlock($1)", held) { Parameters = { new() { Value = Lock } } };
        await release.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(LogLevel.Warning, "Expired tokens and clients could not be removed; the next round tries again")]
    private partial void LogLater(Exception exception);
}
