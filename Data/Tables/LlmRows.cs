namespace Obot.Data.Tables;

/// <summary>Table <c>model_providers</c>.</summary>
public sealed class ModelProviderRow
{
    public required string Id { get; set; }
    public required string Kind { get; set; }
    public required string Name { get; set; }

    /// <summary>Without a trailing slash.</summary>
    public required string BaseUrl { get; set; }
    public required bool Enabled { get; set; }

    /// <summary>JSON of what is no secret.</summary>
    public required string Settings { get; set; }

    /// <summary>Encrypted: a JSON object of name → value.</summary>
    public byte[]? Secret { get; set; }
    public DateTimeOffset? DiscoveredAt { get; set; }
    public string? DiscoveryError { get; set; }
    public required long Revision { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>models</c>.</summary>
public sealed class ModelRow
{
    public required string Id { get; set; }
    public required string ProviderId { get; set; }

    /// <summary>The provider's name of it.</summary>
    public required string Target { get; set; }

    /// <summary>What callers ask for.</summary>
    public required string Name { get; set; }
    public required string Usage { get; set; }
    public required bool Active { get; set; }

    /// <summary>JSON; null where unknown.</summary>
    public string? Prices { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>model_aliases</c>.</summary>
public sealed class ModelAliasRow
{
    public required string Alias { get; set; }

    /// <summary>JSON array.</summary>
    public required string Targets { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>model_access_policies</c>: who may call which models.</summary>
public sealed class ModelAccessPolicyRow
{
    public required string Id { get; set; }
    public required string DisplayName { get; set; }
    public required bool Everyone { get; set; }
    public required string[] UserIds { get; set; }
    public required string[] GroupIds { get; set; }
    public required string[] Models { get; set; }
    public required string CreatedBy { get; set; }
    public required long Revision { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>A row that is one JSON document. Changed as a whole.</summary>
public interface IDefinitionRow
{
    string Id { get; set; }

    /// <summary>JSON.</summary>
    string Definition { get; set; }
    long Revision { get; set; }
    DateTimeOffset CreatedAt { get; set; }
    DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>llm_budgets</c>.</summary>
public sealed class LlmBudgetRow : IDefinitionRow
{
    public string Id { get; set; } = "";
    public string Definition { get; set; } = "";
    public long Revision { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>llm_message_policies</c>.</summary>
public sealed class LlmMessagePolicyRow : IDefinitionRow
{
    public string Id { get; set; } = "";
    public string Definition { get; set; } = "";
    public long Revision { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset UpdatedAt { get; set; }
}
