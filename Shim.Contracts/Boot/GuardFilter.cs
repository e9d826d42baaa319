namespace Obot.Shim.Contracts.Boot;

/// <summary>Something that looks at messages on their way and may stop or change them. In the order of the list.</summary>
public sealed record GuardFilter
{
    public required string Id { get; init; }

    /// <summary>What people call it; it stands in refusals and audit records.</summary>
    public required string Name { get; init; }

    /// <summary>One of <see cref="GuardFilterKinds"/>. A kind that a guard does not know blocks what it would have looked at.</summary>
    public required string Kind { get; init; }

    /// <summary><see cref="GuardFilterKinds.Webhook"/>: where messages are sent.</summary>
    public string? Url { get; init; }

    /// <summary><see cref="GuardFilterKinds.Webhook"/>: key of the signature; null sends none.</summary>
    public string? Secret { get; init; }

    /// <summary>What it looks at; any of them is enough, none means everything.</summary>
    public IReadOnlyList<GuardFilterSelector> Selectors { get; set; } = [];

    /// <summary>Looks at what clients send.</summary>
    public bool OnRequest { get; init; }

    /// <summary>Looks at what servers send.</summary>
    public bool OnResponse { get; init; }

    /// <summary>May change messages; a filter that does so without is treated as failed.</summary>
    public bool AllowedToMutate { get; init; }

    /// <summary>How long it may take for one message. Default 10 s.</summary>
    public int TimeoutMilliseconds { get; set; } = 10_000;
}

/// <summary>Messages of some methods about some things.</summary>
public sealed record GuardFilterSelector
{
    /// <summary>Name of a method, or a glob (<c>*</c> any characters, <c>?</c> one).</summary>
    public required string Method { get; init; }

    /// <summary>Tools, prompts, URIs or tasks: names and globs. Null: whatever it is about.</summary>
    public IReadOnlyList<string>? Identifiers { get; init; }
}

public static class GuardFilterKinds
{
    /// <summary>HTTP POST of the message; 200 accepts, anything else rejects.</summary>
    public const string Webhook = "webhook";

    /// <summary>A tool of an MCP server, called through the cluster.</summary>
    public const string Server = "mcpServer";

    /// <summary>Built in: keys and tokens.</summary>
    public const string Secrets = "secrets";

    /// <summary>Built in: e-mail addresses, telephone numbers, IBANs, card numbers and the like.</summary>
    public const string PersonalData = "pii";

    /// <summary>Built in: texts that try to give a model orders.</summary>
    public const string PromptInjection = "promptInjection";

    /// <summary>Its configuration cannot be read: blocks what it would have looked at.</summary>
    public const string Unreadable = "unreadable";
}
