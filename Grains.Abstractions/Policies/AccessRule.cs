namespace Obot.Grains.Abstractions.Policies;

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/access-control-rules</c>.</summary>
public sealed record NewAccessRule
{
    /// <summary>1 to 100 characters.</summary>
    public string DisplayName { get; init; } = "";

    /// <summary>Who may call; one is enough. 1 to <see cref="AccessRuleLimits.MaxNames"/>.</summary>
    public IReadOnlyList<RuleSubject>? Subjects { get; init; }

    /// <summary>What they may call; 1 to <see cref="AccessRuleLimits.MaxNames"/>.</summary>
    public IReadOnlyList<RuleResource>? Resources { get; init; }

    /// <summary>
    /// Names of tools, or globs of <c>*</c> (any characters) and <c>?</c> (one), anchored, case-sensitive. Absent: all tools, and prompts
    /// and resources too. Present: these tools and nothing else that a server offers.
    /// </summary>
    public IReadOnlyList<string>? Tools { get; init; }
}

/// <param name="Type">One of <see cref="RuleSubjectTypes"/>.</param>
/// <param name="Id">Id of the user or group; <c>*</c> for the selector.</param>
public sealed record RuleSubject(string Type, string Id);

/// <param name="Type">One of <see cref="RuleResourceTypes"/>.</param>
/// <param name="Id">Id of the server, catalog entry or catalog; <c>*</c> for the selector.</param>
public sealed record RuleResource(string Type, string Id);

public static class RuleSubjectTypes
{
    public const string User = "user";
    public const string Group = "group";

    /// <summary>Everyone: id <c>*</c>.</summary>
    public const string Selector = "selector";
}

public static class RuleResourceTypes
{
    public const string Server = "mcpServer";
    public const string CatalogEntry = "mcpServerCatalogEntry";
    public const string Catalog = "mcpCatalog";

    /// <summary>Everything: id <c>*</c>.</summary>
    public const string Selector = "selector";
}

/// <summary>What keeps the policy of a guard small.</summary>
public static class AccessRuleLimits
{
    /// <summary>Subjects, resources or tools of one rule.</summary>
    public const int MaxNames = 500;

    /// <summary>Characters of one name or glob of a tool.</summary>
    public const int MaxTool = 200;

    /// <summary>Rules altogether.</summary>
    public const int MaxRules = 10_000;
}

/// <summary>A rule as it is kept.</summary>
public sealed record AccessRuleView
{
    public required string Id { get; init; }
    public required string DisplayName { get; init; }
    public required IReadOnlyList<RuleSubject> Subjects { get; init; }
    public required IReadOnlyList<RuleResource> Resources { get; init; }

    /// <summary>Null: no restriction.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>Id of the user who made it.</summary>
    public required string CreatedBy { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}
