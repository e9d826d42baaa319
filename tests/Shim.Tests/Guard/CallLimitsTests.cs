using Microsoft.Extensions.Time.Testing;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Limits;

namespace Obot.Shim.Tests.Guard;

public sealed class CallLimitsTests
{
    private readonly FakeTimeProvider time = new();

    [Fact]
    public void Rate_OfAUser_IsExactAfterABurst()
    {
        var limits = new CallLimits(new GuardLimits { RequestsPerSecondPerUser = 10 }, time);
        var allowed = 0;
        for (var millisecond = 0; millisecond < 10_000; millisecond++)
        {
            allowed += Take(limits, "ann") ? 1 : 0;
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        // ten at once, then ten a second
        Assert.InRange(allowed, 108, 110);
        Assert.True(Take(limits, "bob"));
    }

    [Fact]
    public void Rate_Exceeded_SaysWhenToComeBack()
    {
        var limits = new CallLimits(new GuardLimits { RequestsPerSecondPerUser = 1 }, time);
        Assert.Null(limits.TryEnter("ann", isStream: false, out _));
        var excess = limits.TryEnter("ann", isStream: false, out _);
        Assert.Equal(1, excess!.Value.Wait.TotalSeconds, 0.01);
        time.Advance(excess.Value.Wait);
        Assert.Null(limits.TryEnter("ann", isStream: false, out _));
    }

    [Fact]
    public void Rate_OfEverybody_IsShared()
    {
        var limits = new CallLimits(new GuardLimits { RequestsPerSecond = 5 }, time);
        Assert.Equal(5, Enumerable.Range(0, 20).Count(i => Take(limits, $"user {i}")));
    }

    [Fact]
    public void Calls_InHand_AreCountedAndGivenBack()
    {
        var limits = new CallLimits(new GuardLimits { ConcurrentCallsPerUser = 2, ConcurrentCalls = 3 }, time);
        Assert.Null(limits.TryEnter("ann", isStream: false, out var first));
        Assert.Null(limits.TryEnter("ann", isStream: false, out _));
        Assert.Contains("you have 2", limits.TryEnter("ann", isStream: false, out _)!.Value.Message, StringComparison.Ordinal);
        Assert.Null(limits.TryEnter("bob", isStream: false, out _));
        Assert.Contains("has 3", limits.TryEnter("bob", isStream: false, out _)!.Value.Message, StringComparison.Ordinal);
        Assert.Null(limits.TryEnter("ann", isStream: true, out var stream));
        Assert.Null(stream);
        limits.Leave(first!);
        Assert.Null(limits.TryEnter("bob", isStream: false, out _));
    }

    [Fact]
    public async Task Calls_OfManyThreads_NeverExceedTheLimit()
    {
        var limits = new CallLimits(new GuardLimits { ConcurrentCallsPerUser = 3 }, TimeProvider.System);
        int inHand = 0, most = 0, refused = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                if (limits.TryEnter("ann", isStream: false, out var load) is not null)
                {
                    Interlocked.Increment(ref refused);
                    continue;
                }

                var now = Interlocked.Increment(ref inHand);
                for (var seen = Volatile.Read(ref most); now > seen && Interlocked.CompareExchange(ref most, now, seen) != seen; seen = Volatile.Read(ref most))
                {
                }

                Interlocked.Decrement(ref inHand);
                limits.Leave(load!);
            }
        })));
        Assert.InRange(most, 1, 3);
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => limits.TryEnter("ann", isStream: false, out var _) is null));
    }

    [Fact]
    public void Table_OfUsers_IsBounded()
    {
        var limits = new CallLimits(new GuardLimits { RequestsPerSecondPerUser = 1, ConcurrentCallsPerUser = 1 }, time);
        for (var i = 0; i < CallLimits.MaxUsers * 3; i++)
        {
            Assert.Null(limits.TryEnter($"user {i}", isStream: false, out var load));
            limits.Leave(load!);
            time.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.InRange(limits.Users, 1, CallLimits.MaxUsers);
    }

    /// <summary>Whoever does not fit beside so many busy users is limited together with the others like him, not let through.</summary>
    [Fact]
    public void Table_FullOfBusyUsers_LimitsTheRestTogether()
    {
        var limits = new CallLimits(new GuardLimits { ConcurrentCallsPerUser = 1 }, time);
        for (var i = 0; i < CallLimits.MaxUsers; i++)
        {
            Assert.Null(limits.TryEnter($"user {i}", isStream: false, out _));
        }

        Assert.Null(limits.TryEnter("late 1", isStream: false, out var late));
        Assert.NotNull(limits.TryEnter("late 2", isStream: false, out _));
        limits.Leave(late!);
        Assert.Null(limits.TryEnter("late 2", isStream: false, out _));
    }

    private static bool Take(CallLimits limits, string user)
    {
        if (limits.TryEnter(user, isStream: false, out var load) is not null)
        {
            return false;
        }

        limits.Leave(load!);
        return true;
    }
}
