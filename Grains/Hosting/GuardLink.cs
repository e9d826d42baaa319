using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>What the grain knows of the running generation's guard. In memory: a new activation learns it from the next report.</summary>
internal sealed class GuardLink(TimeProvider time)
{
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5);

    private IGuardChannel? channel;

    public int InFlight { get; private set; }

    public DateTimeOffset? LastActivity { get; private set; }

    public void Connected(IGuardChannel connected) => channel = connected;

    /// <summary>A start counts as activity: nobody wakes a server to let it sleep again.</summary>
    public void Started() => LastActivity = time.GetUtcNow();

    public void Report(int inFlight, TimeSpan? idle)
    {
        InFlight = inFlight;
        if (idle is { } elapsed && time.GetUtcNow() - elapsed is var last && !(last < LastActivity))
        {
            LastActivity = last;
        }

        LastActivity ??= time.GetUtcNow();
    }

    public bool IsIdleFor(TimeSpan limit) => channel is not null && InFlight == 0 && time.GetUtcNow() - LastActivity > limit;

    /// <summary>True when the guard had nothing in hand for so long and refuses everything from now on.</summary>
    public async Task<bool> Drain(TimeSpan minIdle)
    {
        try
        {
            return channel is not null && await channel.Drain(minIdle).WaitAsync(DrainTimeout);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // its silo is gone; the guard dials another one and is connected again
            channel = null;
            return false;
        }
    }

    public void Forget() => (channel, InFlight) = (null, 0);
}
