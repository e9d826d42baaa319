namespace Obot.Grains.Encryption;

/// <summary>Section <c>Obot:Encryption</c>. See docs/encryption.md.</summary>
public sealed class EncryptionOptions
{
    public const string Section = "Obot:Encryption";

    /// <summary>Who wraps new data keys: <c>local</c> (default), <c>aws</c>, <c>azure</c>, <c>gcp</c>. The others stay configured while keys of theirs are in use.</summary>
    public string Provider { get; set; } = "local";

    /// <summary>How long an unwrapped data key is used before the KMS is asked again. Default 1 hour, 1 second to 1 day.</summary>
    public TimeSpan CacheFor { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long beyond that it is used while the KMS does not answer. Default 1 day, at most 30 days.</summary>
    public TimeSpan GraceWithoutKms { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Longest wait for one answer of the KMS. Default 5 s, 0.1 s to 1 minute.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether rows that were written before there was encryption are read as they are. Default true; set it to false once
    /// <c>GET /api/encryption</c> shows no row that is left.
    /// </summary>
    public bool ReadPlaintext { get; set; } = true;

    public LocalOptions Local { get; set; } = new();

    /// <summary>Section <c>Obot:Encryption:Local</c>.</summary>
    public sealed class LocalOptions
    {
        /// <summary>32 bytes in Base64, the same on every silo. Default: generated into <c>&lt;data&gt;/encryption-key</c>.</summary>
        public string Key { get; set; } = "";
    }
}
