using System.Collections.Concurrent;
using Obot.Shim.Guard.Authorization;

namespace Obot.Shim.Guard.Calls;

/// <summary>
/// Streams that stay open for as long as the client likes. They were allowed when they began, so a new policy asks about them again and
/// ends those that it allows no more, or not as they are.
/// </summary>
internal sealed class OpenStreams
{
    private readonly ConcurrentDictionary<GuardCall, Permission> streams = new();
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
        streams[call] = policy.Of(call.Caller!);

        // a policy that came between the decision and this line has not seen the stream
        Check();
        return new Registration(this, call);
    }

    private void Check()
    {
        foreach (var (call, permission) in streams)
        {
            var now = policy.Of(call.Caller!);
            if (!Same(permission, now))
            {
                call.Context.Abort();
            }
            else
            {
                streams.TryUpdate(call, now, permission);
            }
        }
    }

    private static bool Same(Permission was, Permission now) => ReferenceEquals(was, now) || (was.Tools is { } before && now.Tools is { } after && before.SameAs(after));

    private sealed class Registration(OpenStreams all, GuardCall call) : IDisposable
    {
        public void Dispose() => all.streams.TryRemove(call, out _);
    }
}
