namespace Obot.Shim.Contracts.Audit;

/// <summary>What one filter did with a call, as it stands in the audit record (<c>filters[]</c>).</summary>
/// <param name="Name">The filter's name, or that of a built-in one.</param>
/// <param name="Outcome">One of <see cref="FilterOutcomes"/>.</param>
/// <param name="Detail">The filter's reason, or what it changed, for a person; never the content itself. At most <see cref="MaxDetail"/> characters are kept.</param>
public sealed record FilterRun(string Name, string Outcome, string? Detail = null)
{
    public const int MaxDetail = 500;
}

public static class FilterOutcomes
{
    /// <summary>The message went on as it was.</summary>
    public const string Accepted = "accepted";

    /// <summary>The message went on, changed.</summary>
    public const string Mutated = "mutated";

    /// <summary>The filter refused the message, and so did the guard.</summary>
    public const string Rejected = "rejected";

    /// <summary>The filter could not be asked or answered nonsense; the guard refused the message.</summary>
    public const string Failed = "failed";
}
