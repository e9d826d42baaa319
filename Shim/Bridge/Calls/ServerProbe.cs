using Obot.Shim.Bridge.Children;

namespace Obot.Shim.Bridge.Calls;

/// <summary>
/// Proves that the server lives and finds its era: <c>server/discover</c> first, then <c>initialize</c>. A server that dislikes a
/// request before <c>initialize</c> gets a second child which is only initialized.
/// </summary>
internal sealed class ServerProbe(Func<SharedConnection> open, TimeProvider time)
{
    private static readonly TimeSpan DiscoverTimeout = TimeSpan.FromSeconds(2);

    private SharedConnection current = null!;

    /// <summary>Standard error of the child that was tried last.</summary>
    public string Errors => current?.Child.Errors ?? string.Empty;

    /// <returns>The profile, and the child for whoever comes first (null if it has seen both eras).</returns>
    /// <exception cref="ServerStartException">It ended, or refused; the message says how.</exception>
    public async Task<(ServerProfile Profile, SharedConnection? Spare)> RunAsync(CancellationToken cancellationToken)
    {
        current = open();
        var discover = await current.DiscoverAsync(cancellationToken);
        var answer = discover.Messages.TakeFinalAsync(cancellationToken);
        await Task.WhenAny(answer, Task.Delay(DiscoverTimeout, time, cancellationToken));
        if (IsResult(answer))
        {
            current.IsModern = true;
            return (new ServerProfile(IsModern: true, LatestLegacy: null), current);
        }

        try
        {
            // a slow start looks like silence: a late answer to server/discover still counts
            var initialize = current.InitializeAsync(cancellationToken);
            await Task.WhenAny(initialize, answer.IsCompleted ? initialize : answer);
            if (IsResult(answer))
            {
                _ = initialize.ContinueWith(t => t.Exception, TaskScheduler.Default);
                _ = current.EndAsync("was only probed");
                return (new ServerProfile(IsModern: true, LatestLegacy: null), null);
            }

            return (new ServerProfile(IsModern: false, await initialize), current);
        }
        catch (Exception e) when (e is ServerStartException or ConnectionGoneException)
        {
            return await InitializeFreshAsync(cancellationToken);
        }
    }

    private async Task<(ServerProfile Profile, SharedConnection? Spare)> InitializeFreshAsync(CancellationToken cancellationToken)
    {
        _ = current.EndAsync("was only probed");
        current = open();
        try
        {
            return (new ServerProfile(IsModern: false, await current.InitializeAsync(cancellationToken)), current);
        }
        catch (Exception e) when (e is ServerStartException or ConnectionGoneException)
        {
            if (!current.IsEnded)
            {
                throw;
            }

            var exit = await current.Child.Exit.WaitAsync(cancellationToken);
            throw new ServerStartException($"the server {exit.Reason} before it answered initialize\n{exit.Errors}".TrimEnd());
        }
    }

    private bool IsResult(Task<OutboundMessage?> answer) =>
        answer.IsCompletedSuccessfully && !current.IsEnded && answer.Result is { ErrorCode: null };
}
