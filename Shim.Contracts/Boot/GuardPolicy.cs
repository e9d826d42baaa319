namespace Obot.Shim.Contracts.Boot;

/// <summary>Who may call one server. Immutable; replaced whole. What no rule opens is closed.</summary>
public sealed record GuardPolicy
{
    /// <summary>Monotonic revision of the security state that this policy was compiled from.</summary>
    public long Revision { get; init; }

    /// <summary>Users who made the server and may call everything on it.</summary>
    public IReadOnlyList<string> Owners { get; set; } = [];

    /// <summary>The rules that touch this server. A caller has what any of them gives.</summary>
    public IReadOnlyList<GuardRule> Rules { get; set; } = [];

    /// <summary>The filters that touch this server, in their order.</summary>
    public IReadOnlyList<GuardFilter> Filters { get; set; } = [];
}

/// <summary>Some people and what they may call.</summary>
public sealed record GuardRule
{
    /// <summary>Every user of the platform.</summary>
    public bool Everyone { get; set; }

    /// <summary>Ids of users.</summary>
    public IReadOnlyList<string> Users { get; set; } = [];

    /// <summary>Ids of groups.</summary>
    public IReadOnlyList<string> Groups { get; set; } = [];

    /// <summary>
    /// Names of tools and globs (<c>*</c> any characters, <c>?</c> one; anchored, ordinal). Null: everything that the server offers. A list
    /// opens the tools that it names and no prompts and resources; an empty one opens nothing.
    /// </summary>
    public IReadOnlyList<string>? Tools { get; init; }
}
