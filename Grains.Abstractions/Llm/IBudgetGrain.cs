using System.Runtime.InteropServices;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>
/// One budget of one subject (key: <c>{budget}/{subject}</c>). A silo draws an amount that it may set aside for calls by itself and reports what they
/// did cost: what is spent and lent together never exceeds the limit, so concurrent calls overshoot by nothing but the difference between
/// one call's reservation and its cost. Terms come with every call; the grain keeps amounts only.
/// </summary>
public interface IBudgetGrain : IGrainWithStringKey
{
    /// <summary>
    /// Reports what a silo spent and still holds, and draws more: what the call in hand needs, and while the end of the budget is far, what the next
    /// ones will. A silo of which nothing is heard for <see cref="BudgetDraw.Lifetime"/> is charged <see cref="BudgetReport.IfLost"/>. Reports that an earlier one overtook change nothing.
    /// </summary>
    [Alias("Draw")]
    Task<BudgetDraw> Draw(BudgetTerms terms, BudgetReport report, CancellationToken cancellationToken);

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

    /// <summary>Both parts of it are at most those of the other.</summary>
    public bool IsWithin(BudgetAmount other) => Tokens <= other.Tokens && MicroUsd <= other.MicroUsd;

    public static BudgetAmount Add(BudgetAmount one, BudgetAmount other) => one + other;

    public static BudgetAmount Subtract(BudgetAmount one, BudgetAmount other) => one - other;
}

/// <param name="Account">As the grain named it; empty before. What an account that the grain does not know spent and held is charged already.</param>
/// <param name="Sequence">Rises with every report of the account.</param>
/// <param name="Total">Everything that calls of the account have cost.</param>
/// <param name="Held">Set aside for calls in hand, and what is left to set aside.</param>
/// <param name="IfLost">Of that, what is charged if the silo is never heard of again.</param>
/// <param name="Calls">In hand.</param>
/// <param name="Need">What cannot be done without; nothing where the silo only reports.</param>
/// <param name="Wish">What would spare the next questions.</param>
[GenerateSerializer, Immutable, Alias("Obot.BudgetReport")]
public sealed record BudgetReport(
    [property: Id(0)] Guid Account,
    [property: Id(1)] long Sequence,
    [property: Id(2)] BudgetAmount Total,
    [property: Id(3)] BudgetAmount Held,
    [property: Id(4)] BudgetAmount IfLost,
    [property: Id(5)] int Calls,
    [property: Id(6)] BudgetAmount Need,
    [property: Id(7)] BudgetAmount Wish);

/// <param name="Account">Another than that of the report: the silo begins anew, with nothing but what is drawn here.</param>
/// <param name="Drawn">What was lent more; nothing where it was refused.</param>
/// <param name="Exhausted"><c>tokens</c> or <c>usd</c>, where the need was refused.</param>
/// <param name="IsTight">The end of the budget is near: what a call leaves over should be reported when it ends.</param>
/// <param name="ResetsAt">End of the period.</param>
/// <param name="Lifetime">Within this the account has to report again.</param>
[GenerateSerializer, Immutable, Alias("Obot.BudgetDraw")]
public sealed record BudgetDraw(
    [property: Id(0)] Guid Account,
    [property: Id(1)] BudgetAmount Drawn,
    [property: Id(2)] string? Exhausted,
    [property: Id(3)] bool IsTight,
    [property: Id(4)] DateTimeOffset ResetsAt,
    [property: Id(5)] TimeSpan Lifetime);

[GenerateSerializer, Immutable, Alias("Obot.RequestLease")]
public sealed record RequestLease([property: Id(0)] int Requests, [property: Id(1)] DateTimeOffset ResetsAt);

[GenerateSerializer, Immutable, Alias("Obot.BudgetStanding")]
public sealed record BudgetStanding(
    [property: Id(0)] BudgetAmount Spent,
    [property: Id(1)] BudgetAmount Reserved,
    [property: Id(2)] int Reservations,
    [property: Id(3)] DateTimeOffset ResetsAt);
