using System.Collections.Concurrent;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Filters;

namespace Obot.Shim.Guard.Calls;

/// <summary>
/// Streams that stay open for as long as the client likes. They were allowed when they began, so a new policy asks about them again and
/// ends those that it allows no more, or not as they are, or that other filters have to look at.
/// </summary>
internal sealed class OpenStreams
{
    private readonly ConcurrentDictionary<GuardCall, Terms> streams = new();
    private readonly PolicySnapshot policy;

    public OpenStreams(PolicySnapshot policy)
    {
        this.policy = policy;
        policy.Changed += Check;
    }

    public int Count => streams.Count;

    /// <summary>Until the result is disposed.</summary>
    public IDisposable Open(GuardCall call)
    {
        streams[call] = new(policy.Of(call.Caller!), policy.Filters);

        // a policy that came between the decision and this line has not seen the stream
        Check();
        return new Registration(this, call);
    }

    private void Check()
    {
        foreach (var (call, terms) in streams)
        {
            var now = new Terms(policy.Of(call.Caller!), policy.Filters);
            if (!Same(terms.Permission, now.Permission) || !Same(terms.Filters, now.Filters))
            {
                call.Context.Abort();
            }
            else
            {
                streams.TryUpdate(call, now, terms);
            }
        }
    }

    private static bool Same(Permission was, Permission now) => ReferenceEquals(was, now) || (was.Tools is { } before && now.Tools is { } after && before.SameAs(after));

    private static bool Same(FilterSet was, FilterSet now) => ReferenceEquals(was, now) || (was.OnResponse.Length == 0 && now.OnResponse.Length == 0);

    /// <summary>What a stream was opened under.</summary>
    private sealed record Terms(Permission Permission, FilterSet Filters);

    private sealed class Registration(OpenStreams all, GuardCall call) : IDisposable
    {
        public void Dispose() => all.streams.TryRemove(call, out _);
    }
}
