using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>
/// Keeps one guard up to date: a snapshot when something that touches its server changed, a heartbeat otherwise. What a change means for
/// a server is read when the change is heard and again at every heartbeat, so nothing depends on the order of subscribers.
/// </summary>
internal sealed partial class PolicyPush(
    IServerAccess access, IServerFilters filters, IServerDirectory directory, IAssertionIssuer assertions, ISecurityFeed feed, IOptions<SecurityOptions> options, ILogger<PolicyPush> logger)
{
    private static readonly AccessPolicy Nobody = new("", []);
    private static readonly IReadOnlyList<ServerFilter> NoFilters = [];

    /// <summary>Every 2 s; more often where so little staleness is allowed that one lost heartbeat would stop a guard.</summary>
    private readonly TimeSpan heartbeatEvery = TimeSpan.FromSeconds(Math.Clamp(options.Value.MaxStaleness.TotalSeconds / 4, 0.1, 2));

    /// <summary>A guard of many instances hears of each of them less often; every change is still looked for as often as elsewhere.</summary>
    private readonly TimeSpan pooledEvery = TimeSpan.FromSeconds(Math.Clamp(options.Value.MaxStaleness.TotalSeconds / 4, 0.1, 20));

    /// <summary>Runs as long as the channel does. What cannot be read is not sent: the guard's own clock then stops it.</summary>
    public async Task RunAsync(GuardChannel channel, GuardIdentity identity, CancellationToken cancellationToken)
    {
        using var changed = new SemaphoreSlim(0, 1);
        var heard = 0L;
        using var subscription = feed.Subscribe(change =>
        {
            if (change.Kind is SecurityChangeKinds.AccessRule or SecurityChangeKinds.Filter or SecurityChangeKinds.SigningKey or SecurityChangeKinds.Everything
                || (change.Kind == SecurityChangeKinds.Server && change.Subject == identity.Instance.ServerId))
            {
                Volatile.Write(ref heard, change.Revision);
                Wake(changed);
            }
        });

        (AccessPolicy Policy, IReadOnlyList<ServerFilter> Filters, string Keys)? sent = null;
        var (said, saidAt) = (0L, 0L);
        while (true)
        {
            // before the reading: what is sent is at least as new as what is said of it
            var (revision, staleness) = (Math.Max(feed.Revision, Volatile.Read(ref heard)), feed.Staleness);
            try
            {
                var server = await directory.Find(identity.Instance.ServerId, cancellationToken);
                var policy = server is null ? Nobody : await access.Of(server, cancellationToken);
                var looking = server is null ? NoFilters : await filters.Of(server, cancellationToken);
                var keys = assertions.PublicKeys;
                var isNew = sent is not { } last || last.Keys != keys || !last.Policy.SameAs(policy) || !ServerFilter.Same(last.Filters, looking);
                if (isNew || !channel.IsPooled || said != revision || Environment.TickCount64 - saidAt >= pooledEvery.TotalMilliseconds)
                {
                    await channel.SendAsync(isNew ? Snapshot(policy, looking, keys, revision, staleness) : Heartbeat(revision, staleness), cancellationToken);
                    (sent, said, saidAt) = ((policy, looking, keys), revision, Environment.TickCount64);
                }
            }
            catch (Exception e) when (e is not (OperationCanceledException or System.Net.WebSockets.WebSocketException or ObjectDisposedException))
            {
                LogUnreadable(e, identity.Instance);
            }

            await changed.WaitAsync(heartbeatEvery, cancellationToken);
        }
    }

    /// <summary>As guards take it.</summary>
    public static GuardPolicy Contract(AccessPolicy policy, IReadOnlyList<ServerFilter> filters, long revision) => new()
    {
        Revision = revision,
        Owners = policy.OwnerId.Length == 0 ? [] : [policy.OwnerId],
        Rules = [.. policy.Grants.Select(grant => new GuardRule { Everyone = grant.Everyone, Users = grant.Users, Groups = grant.Groups, Tools = grant.Tools })],
        Filters = [.. filters.Select(Contract)],
    };

    private static GuardFilter Contract(ServerFilter filter) => new()
    {
        Id = filter.Id,
        Name = filter.Name,
        Kind = filter.Kind,
        Url = filter.Url,
        Secret = filter.Secret,
        Selectors = [.. filter.Selectors.Select(one => new GuardFilterSelector { Method = one.Method, Identifiers = one.Identifiers })],
        OnRequest = filter.OnRequest,
        OnResponse = filter.OnResponse,
        AllowedToMutate = filter.AllowedToMutate,
        TimeoutMilliseconds = (int)filter.Timeout.TotalMilliseconds,
    };

    private static ControlMessage Snapshot(AccessPolicy policy, IReadOnlyList<ServerFilter> filters, string keys, long revision, TimeSpan staleness) => new()
    {
        Kind = ControlKinds.Snapshot,
        Policy = Contract(policy, filters, revision),
        AssertionKeys = keys,
        StalenessMilliseconds = Milliseconds(staleness),
    };

    private static ControlMessage Heartbeat(long revision, TimeSpan staleness) => new()
    {
        Kind = ControlKinds.Heartbeat,
        Revision = revision,
        StalenessMilliseconds = Milliseconds(staleness),
    };

    private static long Milliseconds(TimeSpan staleness) => (long)Math.Min(staleness.TotalMilliseconds, int.MaxValue);

    private static void Wake(SemaphoreSlim changed)
    {
        try
        {
            changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // already awake
        }
        catch (ObjectDisposedException)
        {
            // the channel ended while the change was being told
        }
    }

    [LoggerMessage(LogLevel.Warning, "The policy of {Instance} cannot be read; its guard keeps the last one until that is too old")]
    private partial void LogUnreadable(Exception exception, McpInstanceId instance);
}
