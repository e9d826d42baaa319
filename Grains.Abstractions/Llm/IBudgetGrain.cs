using System.Runtime.InteropServices;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>
/// One budget of one subject (key: <c>{budget}/{subject}</c>). A call reserves before it is made what it may cost at most, and settles what it
/// did cost: what is spent and reserved together never exceeds the limit, so concurrent calls overshoot by nothing but the difference between
/// one call's reservation and its cost. Terms come with every call; the grain keeps amounts only.
/// </summary>
public interface IBudgetGrain : IGrainWithStringKey
{
    /// <summary>Sets the amount aside, or says why not. Repeating it with the same id changes nothing.</summary>
    [Alias("Reserve")]
    Task<BudgetAnswer> Reserve(BudgetTerms terms, BudgetReservation reservation, CancellationToken cancellationToken);

    /// <summary>Replaces a reservation by what the call did cost. One that is not known was settled already, or by its expiry.</summary>
    [Alias("Settle")]
    Task Settle(string id, BudgetAmount actual);

    /// <summary>
    /// Keeps reservations of calls under way, with what they have cost so far. One that is not renewed for <see cref="BudgetAnswer.Lifetime"/>
    /// is settled at that: its silo is gone.
    /// </summary>
    [Alias("Renew")]
    Task Renew(IReadOnlyList<BudgetReservation> underWay);

    /// <summary>Requests of the current minute that the silo may let through by itself; 0 when the minute is used up.</summary>
    [Alias("Lease")]
    Task<RequestLease> Lease(BudgetTerms terms, int wanted, CancellationToken cancellationToken);

    [Alias("Read")]
    Task<BudgetStanding> Read(BudgetTerms terms);
}

/// <param name="Tokens">Null for no limit, like <paramref name="MicroUsd"/>.</param>
/// <param name="MicroUsd">Millionths of a US dollar.</param>
[GenerateSerializer, Immutable, Alias("Obot.BudgetTerms")]
public sealed record BudgetTerms(
    [property: Id(0)] string Period,
    [property: Id(1)] long? Tokens,
    [property: Id(2)] long? MicroUsd,
    [property: Id(3)] int? RequestsPerMinute);

[GenerateSerializer, Immutable, Alias("Obot.BudgetAmount"), StructLayout(LayoutKind.Auto)]
public readonly record struct BudgetAmount([property: Id(0)] long Tokens, [property: Id(1)] long MicroUsd)
{
    public static BudgetAmount operator +(BudgetAmount one, BudgetAmount other) => new(one.Tokens + other.Tokens, one.MicroUsd + other.MicroUsd);

    public static BudgetAmount operator -(BudgetAmount one, BudgetAmount other) => new(one.Tokens - other.Tokens, one.MicroUsd - other.MicroUsd);

    public static BudgetAmount Add(BudgetAmount one, BudgetAmount other) => one + other;

    public static BudgetAmount Subtract(BudgetAmount one, BudgetAmount other) => one - other;
}

/// <param name="Id">Of the call.</param>
/// <param name="Amount">At a reservation, the most it may cost; at a renewal, what it has cost so far.</param>
[GenerateSerializer, Immutable, Alias("Obot.BudgetReservation")]
public sealed record BudgetReservation([property: Id(0)] string Id, [property: Id(1)] BudgetAmount Amount);

/// <param name="Granted">False: nothing was set aside.</param>
/// <param name="Exhausted"><c>tokens</c> or <c>usd</c>, where it was refused.</param>
/// <param name="ResetsAt">End of the period.</param>
/// <param name="Lifetime">Until when a reservation has to be renewed or settled.</param>
[GenerateSerializer, Immutable, Alias("Obot.BudgetAnswer")]
public sealed record BudgetAnswer(
    [property: Id(0)] bool Granted,
    [property: Id(1)] string? Exhausted,
    [property: Id(2)] DateTimeOffset ResetsAt,
    [property: Id(3)] TimeSpan Lifetime);

[GenerateSerializer, Immutable, Alias("Obot.RequestLease")]
public sealed record RequestLease([property: Id(0)] int Requests, [property: Id(1)] DateTimeOffset ResetsAt);

[GenerateSerializer, Immutable, Alias("Obot.BudgetStanding")]
public sealed record BudgetStanding(
    [property: Id(0)] BudgetAmount Spent,
    [property: Id(1)] BudgetAmount Reserved,
    [property: Id(2)] int Reservations,
    [property: Id(3)] DateTimeOffset ResetsAt);
