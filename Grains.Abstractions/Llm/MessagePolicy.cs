using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/message-policies</c>.</summary>
public sealed record NewMessagePolicy
{
    /// <summary>1 to 100 characters; told to whoever it stops.</summary>
    public string DisplayName { get; init; } = "";

    /// <summary>Whose calls; everyone's when left out.</summary>
    public IReadOnlyList<RuleSubject>? Subjects { get; init; }

    /// <summary>Calls of these models, as in <see cref="PolicyModel.Id"/>; of all when left out.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>One of <see cref="MessagePolicyKinds"/>.</summary>
    public string Kind { get; init; } = "";

    /// <summary>Of kind <c>regex</c>: any match breaks the policy. No look-around and no back-references, so that none can be made slow.</summary>
    public IReadOnlyList<string>? Patterns { get; init; }

    /// <summary>Of kind <c>judged</c>: what must not be, in plain words.</summary>
    public string? Instruction { get; init; }

    /// <summary>Of kind <c>judged</c>: name or alias of the small model that judges, whether callers may use it or not. Default <c>llm-mini</c>.</summary>
    public string? Judge { get; init; }

    /// <summary><c>user-message</c>, <c>tool-call</c>; both when left out. Answers are held back until their tool calls were looked at.</summary>
    public IReadOnlyList<string>? AppliesTo { get; init; }

    public bool Enabled { get; init; } = true;
}

public static class MessagePolicyKinds
{
    public const string Regex = "regex";

    /// <summary>Keys and tokens of well-known forms, private keys.</summary>
    public const string Secrets = "secrets";

    /// <summary>E-mail addresses, payment cards, IBANs, US social security numbers.</summary>
    public const string Pii = "pii";

    /// <summary>A small model decides, in two steps; when it cannot, the call is refused.</summary>
    public const string Judged = "judged";

    public static IReadOnlyList<string> All { get; } = [Regex, Secrets, Pii, Judged];
}

public static class MessagePlaces
{
    public const string UserMessage = "user-message";
    public const string ToolCall = "tool-call";

    public static IReadOnlyList<string> All { get; } = [UserMessage, ToolCall];
}

public sealed record MessagePolicyView : IManagedView
{
    public required string Id { get; init; }
    public required string DisplayName { get; init; }
    public IReadOnlyList<RuleSubject>? Subjects { get; init; }
    public IReadOnlyList<string>? Models { get; init; }
    public required string Kind { get; init; }
    public IReadOnlyList<string>? Patterns { get; init; }
    public string? Instruction { get; init; }
    public string? Judge { get; init; }
    public required IReadOnlyList<string> AppliesTo { get; init; }
    public required bool Enabled { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Port: what may be said to models, and what models may do. Managed with role <see cref="Role.Admin"/>; in force on every silo within a second.</summary>
public interface IMessagePolicies : IManagedList<NewMessagePolicy, MessagePolicyView>;
