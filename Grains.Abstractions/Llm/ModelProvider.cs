namespace Obot.Grains.Abstractions.Llm;

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/model-providers</c>.</summary>
public sealed record ModelProviderDraft
{
    /// <summary>a–z, 0–9 and <c>-</c>; the kind when left out. Fixed once made.</summary>
    public string? Id { get; init; }

    /// <summary>The id when left out.</summary>
    public string? Name { get; init; }

    /// <summary>One of <see cref="ProviderKinds"/>. Fixed once made.</summary>
    public string Kind { get; init; } = "";

    /// <summary>
    /// Where the provider is. Left out: the vendor's own. Azure: <c>https://{resource}.openai.azure.com</c>. OpenAI-compatible: the part before
    /// <c>/chat/completions</c>, e.g. <c>http://127.0.0.1:11434/v1</c>.
    /// </summary>
    public string? BaseURL { get; init; }

    public bool Enabled { get; init; } = true;

    public ModelProviderSettings Settings { get; init; } = new();

    /// <summary>The same as <c>credentials.apiKey</c>.</summary>
    public string? ApiKey { get; init; }

    /// <summary>
    /// Goes in and never comes out; null keeps what is there. <c>apiKey</c>; Azure with Entra: <c>clientSecret</c>; Bedrock:
    /// <c>secretAccessKey</c> and, if any, <c>sessionToken</c>.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Credentials { get; init; }
}

/// <summary>What of a provider is no secret.</summary>
public sealed record ModelProviderSettings
{
    /// <summary>AWS region (Bedrock).</summary>
    public string? Region { get; init; }

    /// <summary>Access key id (Bedrock).</summary>
    public string? AccessKeyId { get; init; }

    /// <summary>Where Bedrock lists models; the region's own when left out.</summary>
    public string? ControlURL { get; init; }

    /// <summary>Tenant of the application that calls Azure OpenAI; with <see cref="ClientId"/> instead of an API key.</summary>
    public string? TenantId { get; init; }

    public string? ClientId { get; init; }

    /// <summary>Where Entra gives tokens. Default <c>https://login.microsoftonline.com</c>.</summary>
    public string? AuthorityURL { get; init; }

    /// <summary>Sent with every request, e.g. <c>anthropic-beta</c>; no credentials.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>Whether the provider has <c>/responses</c> too. Default: OpenAI and Azure have, others are spoken to by <c>chat/completions</c>.</summary>
    public bool? Responses { get; init; }

    /// <summary>Whether streams may be asked for usage (<c>stream_options.include_usage</c>). Default true.</summary>
    public bool UsageInStreams { get; init; } = true;

    /// <summary>Longest wait for the first byte of an answer, in seconds. Default 120.</summary>
    public double? FirstTokenSeconds { get; init; }

    /// <summary>Longest silence within an answer, in seconds. Default 60.</summary>
    public double? BetweenTokensSeconds { get; init; }

    /// <summary>Longest answer, in seconds. Default 1800.</summary>
    public double? TotalSeconds { get; init; }
}

/// <summary>A provider as administrators see it.</summary>
public sealed record ModelProviderView : IManagedView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Kind { get; init; }
    public required string BaseURL { get; init; }
    public required bool Enabled { get; init; }
    public required ModelProviderSettings Settings { get; init; }

    /// <summary>Names of the credentials that are kept, never their values.</summary>
    public required IReadOnlyList<string> Credentials { get; init; }

    /// <summary>Nothing is missing: it can be called.</summary>
    public required bool Configured { get; init; }

    /// <summary>Models that are known of it.</summary>
    public required int ModelCount { get; init; }
    public DateTimeOffset? DiscoveredAt { get; init; }

    /// <summary>Why the last look for models failed; null when it did not.</summary>
    public string? DiscoveryError { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}
