using Npgsql;
using Orleans.Runtime;

namespace Obot.Silo.Health;

/// <summary><c>/healthz</c>: the process answers. <c>/readyz</c>: it can serve: its silo is active and the database answered.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/healthz", () => new { status = "ok" }).ExcludeFromDescription().AllowAnonymous();
        endpoints.MapGet("/readyz", async (Readiness readiness, CancellationToken cancellationToken) =>
        {
            var missing = await readiness.MissingAsync(cancellationToken);
            return missing.Count == 0
                ? Results.Json(new { status = "ready", missing })
                : Results.Json(new { status = "not ready", missing }, statusCode: StatusCodes.Status503ServiceUnavailable);
        }).ExcludeFromDescription().AllowAnonymous();
    }
}

/// <summary>What this silo still lacks to serve.</summary>
internal sealed class Readiness(ISiloStatusOracle silo, NpgsqlDataSource database, TimeProvider time, IHostApplicationLifetime lifetime) : IDisposable
{
    /// <summary>A database that answered within this time counts as there, so that probes cost it nothing.</summary>
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private long _askedAt;
    private string? _failure = "The database was not asked yet.";

    public async Task<IReadOnlyList<string>> MissingAsync(CancellationToken cancellationToken)
    {
        var missing = new List<string>();
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            missing.Add("The silo is shutting down.");
        }
        else if (silo.CurrentStatus != SiloStatus.Active)
        {
            missing.Add($"The silo is {silo.CurrentStatus}, not yet Active in its cluster.");
        }

        if (await DatabaseFailureAsync(cancellationToken) is { } failure)
        {
            missing.Add(failure);
        }

        return missing;
    }

    public void Dispose() => _asking.Dispose();

    private async Task<string?> DatabaseFailureAsync(CancellationToken cancellationToken)
    {
        await _asking.WaitAsync(cancellationToken);
        try
        {
            if (_askedAt == 0 || time.GetElapsedTime(_askedAt) > Recent)
            {
                _failure = await AskAsync();
                _askedAt = time.GetTimestamp();
            }

            return _failure;
        }
        finally
        {
            _asking.Release();
        }
    }

    private async Task<string?> AskAsync()
    {
        // Not by the probe's token: an impatient probe must not make the next one wait.
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            await using var command = database.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(patience.Token);
            return null;
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException or TimeoutException)
        {
            return $"PostgreSQL does not answer: {exception.Message}";
        }
    }
}
