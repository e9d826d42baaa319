namespace Obot.Grains.Abstractions.Llm;

/// <summary>Section <c>Obot:Llm</c>.</summary>
public sealed class LlmOptions
{
    /// <summary>Largest request at <c>/api/llm-proxy</c>, in bytes (413). Default 32 MiB: images travel in it.</summary>
    public int MaxRequestBodyBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>Calls that one user may have open on one silo (429). Default 256.</summary>
    public int MaxOpenPerUser { get; set; } = 256;

    /// <summary>Tokens that a budget sets aside for the answer of a call that names no maximum. Default 4096.</summary>
    public int ReservedOutputTokens { get; set; } = 4096;

    /// <summary>Bytes of a request and of an answer that are kept in the audit record, encrypted. Default 64 KiB; 0 keeps none.</summary>
    public int AuditBodyBytes { get; set; } = 64 * 1024;

    /// <summary>How long an answer that may be kept is served again: temperature 0, no tools, complete. Default 0: never.</summary>
    public TimeSpan CacheFor { get; set; }

    /// <summary>Longest wait for a provider's list of models. Default 15 s.</summary>
    public TimeSpan DiscoveryTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a silo that was told to stop lets answers finish that are under way, 0 to 10 min. Default 25 s. New calls get 503 meanwhile.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(25);
}
