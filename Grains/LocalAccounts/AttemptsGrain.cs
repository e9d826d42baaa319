using Obot.Grains.Abstractions.LocalAccounts;

namespace Obot.Grains.LocalAccounts;

/// <inheritdoc cref="IAttemptsGrain"/>
[GrainType("sign-in-attempts")]
internal sealed class AttemptsGrain(TimeProvider time) : Grain, IAttemptsGrain
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private int attempts;
    private DateTimeOffset last;
    private DateTimeOffset lockedUntil;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        DelayDeactivation(Memory);
        return Task.CompletedTask;
    }

    public Task<TimeSpan> Begin(int free)
    {
        var now = time.GetUtcNow();
        if (now < lockedUntil)
        {
            return Task.FromResult(lockedUntil - now);
        }

        if (now - last > Memory)
        {
            attempts = 0;
        }

        (attempts, last) = (attempts + 1, now);
        if (attempts >= free)
        {
            // the attempt itself goes on; what follows waits
            lockedUntil = now + Delay(attempts - free);
        }

        return Task.FromResult(TimeSpan.Zero);
    }

    public Task Forgive()
    {
        (attempts, lockedUntil) = (Math.Max(0, attempts - 1), default);
        return Task.CompletedTask;
    }

    public Task Succeeded()
    {
        (attempts, lockedUntil) = (0, default);
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    internal static TimeSpan Delay(int step) => step >= 10 ? Longest : new[] { First * Math.Pow(2, step), Longest }.Min();
}
