using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Abstractions.Filters;

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/mcp-webhook-validations</c>.</summary>
public sealed record NewFilter
{
    /// <summary>1 to 100 characters; refusals and audit records name it.</summary>
    public string Name { get; init; } = "";

    /// <summary>One of <see cref="FilterKinds"/>. Default: by <see cref="Url"/> or <see cref="McpServerID"/>.</summary>
    public string? Kind { get; init; }

    /// <summary>Where a webhook receives messages: http or https, private addresses included.</summary>
    public string? Url { get; init; }

    /// <summary>Key of the signature, write-only. With <c>PUT</c>: absent keeps the one there is, an empty text removes it.</summary>
    public string? Secret { get; init; }

    /// <summary>The MCP server that filters, called as whoever made it.</summary>
    public string? McpServerID { get; init; }

    /// <summary>Its tool, which takes <c>accept</c>, <c>mutated</c>, <c>message</c>, <c>reason</c> and answers the same.</summary>
    public string? ToolName { get; init; }

    /// <summary>Servers whose messages it looks at; absent: all. At most <see cref="AccessRuleLimits.MaxNames"/>.</summary>
    public IReadOnlyList<RuleResource>? Resources { get; init; }

    /// <summary>Messages that it looks at; absent: all. At most <see cref="FilterLimits.MaxSelectors"/>.</summary>
    public IReadOnlyList<FilterSelector>? Selectors { get; init; }

    /// <summary><c>request</c> and <c>response</c>; absent: both.</summary>
    public IReadOnlyList<string>? Sides { get; init; }

    /// <summary>May change messages. Built-in kinds then mask instead of rejecting. Default false.</summary>
    public bool AllowedToMutate { get; init; }

    public bool Disabled { get; init; }

    /// <summary>Lower ones are asked first, equal ones in the order in which they were made. Default 100.</summary>
    public int? Order { get; init; }

    /// <summary>How long it may take for one message, 1 to 60. Default 10.</summary>
    public int? TimeoutSeconds { get; init; }
}

public sealed record FilterSelector
{
    /// <summary>Name of a method, or a glob of <c>*</c> (any characters) and <c>?</c> (one).</summary>
    public string Method { get; init; } = "";

    /// <summary>Tools, prompts, URIs, tasks: names and globs. Absent: whatever it is about.</summary>
    public IReadOnlyList<string>? Identifiers { get; init; }
}

public static class FilterKinds
{
    public const string Webhook = "webhook";
    public const string Server = "mcpServer";

    /// <summary>Built in: keys and tokens.</summary>
    public const string Secrets = "secrets";

    /// <summary>Built in: e-mail addresses, telephone numbers, IBANs, card numbers, social security numbers.</summary>
    public const string PersonalData = "pii";

    /// <summary>Built in: marks of texts that give a model orders.</summary>
    public const string PromptInjection = "promptInjection";

    public static IReadOnlyList<string> All { get; } = [Webhook, Server, Secrets, PersonalData, PromptInjection];
}

public static class FilterSides
{
    public const string Request = "request";
    public const string Response = "response";
}

/// <summary>What keeps the policy of a guard small.</summary>
public static class FilterLimits
{
    public const int MaxFilters = 200;
    public const int MaxSelectors = 50;

    /// <summary>Characters of a method, an identifier or a glob.</summary>
    public const int MaxPattern = 500;
    public const int DefaultOrder = 100;
    public const int DefaultTimeoutSeconds = 10;
    public const int MaxTimeoutSeconds = 60;
}

/// <summary>A filter as it is kept.</summary>
public sealed record FilterView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Kind { get; init; }
    public string? Url { get; init; }

    /// <summary>There is a secret; it is never shown.</summary>
    public required bool HasSecret { get; init; }
    public string? McpServerID { get; init; }
    public string? ToolName { get; init; }
    public required IReadOnlyList<RuleResource> Resources { get; init; }

    /// <summary>Null: everything.</summary>
    public IReadOnlyList<FilterSelector>? Selectors { get; init; }
    public required IReadOnlyList<string> Sides { get; init; }
    public required bool AllowedToMutate { get; init; }
    public required bool Disabled { get; init; }
    public required int Order { get; init; }
    public required int TimeoutSeconds { get; init; }

    /// <summary>Id of the user who made it.</summary>
    public required string CreatedBy { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}
