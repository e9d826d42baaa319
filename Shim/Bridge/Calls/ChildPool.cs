using Obot.Shim.Bridge.Boot;
using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>All children: one per session, one per principal and era for the rest. None is ever shared between principals.</summary>
internal sealed class ChildPool(BridgeBoot boot, ChildCommand command, ServerLog log, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Principal of a child that nobody has asked for yet.</summary>
    private const string Nobody = "";

    private const long LargeHeapBytes = 24 * 1024 * 1024;

    private static readonly TimeSpan SpareLifetime = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly HashSet<Connection> all = [];
    private readonly Dictionary<string, SessionConnection> sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Principal, bool Modern), Task<SharedConnection>> shared = [];
    private SharedConnection? spare;
    private bool disposed;

    /// <summary>A child for the start-up probe.</summary>
    public SharedConnection OpenProbe() => Open(new SharedConnection(Nobody, time));

    /// <summary>The probed child waits for the first principal, for a minute.</summary>
    public void Keep(SharedConnection? probed) => spare = probed;

    /// <summary>A child for a new session; its id is known to nobody until the caller tells it.</summary>
    /// <exception cref="CallRefusedException">Too many children.</exception>
    /// <exception cref="ServerStartException">It could not be started.</exception>
    public SessionConnection OpenSession(string principal)
    {
        var session = Open(new SessionConnection(principal, time));
        lock (gate)
        {
            if (!session.IsEnded)
            {
                sessions.Add(session.SessionId, session);
            }
        }

        return session;
    }

    /// <summary>The session if it lives and belongs to the principal.</summary>
    public SessionConnection? FindSession(string sessionId, string principal)
    {
        lock (gate)
        {
            return sessions.TryGetValue(sessionId, out var session) && !session.IsEnded && string.Equals(session.Principal, principal, StringComparison.Ordinal)
                ? session
                : null;
        }
    }

    public void End(Connection connection, string reason)
    {
        Remove(connection);
        _ = connection.EndAsync(reason);
    }

    /// <summary>The principal's child for requests without a session, started if need be; concurrent callers share one start.</summary>
    /// <exception cref="CallRefusedException">Too many children.</exception>
    /// <exception cref="ServerStartException">It could not be started, or did not answer.</exception>
    public async Task<SharedConnection> GetSharedAsync(string principal, bool modern, CancellationToken cancellationToken)
    {
        Task<SharedConnection> start;
        lock (gate)
        {
            var key = (principal, modern);
            if (!shared.TryGetValue(key, out start!) || start.IsFaulted || start.IsCanceled || (start.IsCompletedSuccessfully && start.Result.IsEnded))
            {
                shared[key] = start = Adopt(principal, modern) is { } adopted
                    ? Task.FromResult(adopted)
                    : Task.Run(() => StartSharedAsync(principal, modern), CancellationToken.None);
            }
        }

        return await start.WaitAsync(cancellationToken);
    }

    /// <summary>Ends what was idle for long, until cancelled.</summary>
    public async Task ReapAsync(CancellationToken cancellationToken)
    {
        var idle = TimeSpan.FromSeconds(boot.Limits.ChildIdleSeconds);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(Math.Clamp(idle.TotalSeconds / 4, 0.25, 15)), time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                foreach (var connection in Snapshot())
                {
                    var limit = connection.Principal == Nobody && SpareLifetime < idle ? SpareLifetime : idle;
                    if (connection.TryRetire(limit))
                    {
                        End(connection, $"was idle for {limit.TotalSeconds:0} s");
                    }
                }

                ReturnMemory();
            }
        }
        catch (OperationCanceledException)
        {
            // the bridge stops
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            disposed = true;
        }

        await Task.WhenAll(Snapshot().Select(c => c.EndAsync("was stopped")));
    }

    // after large answers nothing allocates any more, so nothing would ever collect them
    private void ReturnMemory()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) > LargeHeapBytes && !Snapshot().Exists(c => c.IsBusy))
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    private async Task<SharedConnection> StartSharedAsync(string principal, bool modern)
    {
        var connection = Open(new SharedConnection(principal, time) { IsModern = modern });
        if (modern)
        {
            return connection;
        }

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(boot.Limits.StartupTimeoutSeconds), time);
        try
        {
            await connection.InitializeAsync(timeout.Token);
            return connection;
        }
        catch (OperationCanceledException)
        {
            End(connection, "did not start");
            throw new ServerStartException($"the server did not answer initialize within {boot.Limits.StartupTimeoutSeconds} s");
        }
        catch (ServerStartException)
        {
            End(connection, "did not start");
            throw;
        }
    }

    private T Open<T>(T connection)
        where T : Connection
    {
        connection.Ended = Remove;
        lock (gate)
        {
            MakeRoomFor(connection.Principal);
            all.Add(connection);
        }

        try
        {
            connection.Open(command, boot, log);
            return connection;
        }
        catch
        {
            Remove(connection);
            throw;
        }
    }

    // the idle-longest child of the same principal goes first; other principals are never touched
    private void MakeRoomFor(string principal)
    {
        if (disposed)
        {
            throw new CallRefusedException(503, McpErrorCodes.Refused, "the bridge is stopping");
        }

        var own = all.Where(c => string.Equals(c.Principal, principal, StringComparison.Ordinal)).ToList();
        var ownIsFull = own.Count >= boot.Limits.MaxChildrenPerPrincipal;
        if (!ownIsFull && all.Count < boot.Limits.MaxChildren)
        {
            return;
        }

        var candidates = own.OrderByDescending(c => c.Idle).AsEnumerable<Connection>();
        if (!ownIsFull && spare is { Principal: Nobody } unused)
        {
            candidates = candidates.Prepend(unused);
        }

        if (candidates.FirstOrDefault(c => c.TryRetire(TimeSpan.Zero)) is { } victim)
        {
            End(victim, "made room for another session");
            return;
        }

        throw ownIsFull
            ? new CallRefusedException(429, McpErrorCodes.Refused, $"too many sessions: you have {own.Count} servers running and all are busy (limit {boot.Limits.MaxChildrenPerPrincipal})")
            : new CallRefusedException(503, McpErrorCodes.Refused, $"too many sessions: {all.Count} servers are running (limit {boot.Limits.MaxChildren})");
    }

    private SharedConnection? Adopt(string principal, bool modern)
    {
        if (spare is not { IsEnded: false } adopted || adopted.IsModern != modern || !all.Contains(adopted))
        {
            return null;
        }

        if (all.Count(c => string.Equals(c.Principal, principal, StringComparison.Ordinal)) >= boot.Limits.MaxChildrenPerPrincipal)
        {
            return null;
        }

        spare = null;
        adopted.Principal = principal;
        return adopted;
    }

    private List<Connection> Snapshot()
    {
        lock (gate)
        {
            return [.. all];
        }
    }

    private void Remove(Connection connection)
    {
        lock (gate)
        {
            all.Remove(connection);
            if (connection is SessionConnection session)
            {
                sessions.Remove(session.SessionId);
            }

            else if (connection is SharedConnection child && shared.TryGetValue((child.Principal, child.IsModern), out var start)
                && start.IsCompletedSuccessfully && start.Result == child)
            {
                shared.Remove((child.Principal, child.IsModern));
            }

            if (spare == connection)
            {
                spare = null;
            }
        }
    }
}
