namespace Obot.Shim.Contracts.Control;

/// <summary>What one filter did with one message of a call.</summary>
/// <param name="Name">Of the filter.</param>
/// <param name="Outcome">One of <see cref="FilterOutcomes"/>.</param>
/// <param name="Detail">Why, for a person; never the matched text.</param>
public sealed record FilterDecision(string Name, string Outcome, string? Detail = null);

public static class FilterOutcomes
{
    public const string Accepted = "accepted";
    public const string Mutated = "mutated";
    public const string Rejected = "rejected";

    /// <summary>It could not be asked, or its answer could not be used: the message was blocked.</summary>
    public const string Failed = "failed";
}
