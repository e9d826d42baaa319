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

    public AwsOptions Aws { get; set; } = new();

    public AzureOptions Azure { get; set; } = new();

    public GoogleOptions Google { get; set; } = new();

    /// <summary>Section <c>Obot:Encryption:Local</c>.</summary>
    public sealed class LocalOptions
    {
        /// <summary>32 bytes in Base64, the same on every silo. Default: generated into <c>&lt;data&gt;/encryption-key</c>.</summary>
        public string Key { get; set; } = "";
    }

    /// <summary>Section <c>Obot:Encryption:Aws</c>. Credentials as the AWS SDK finds them.</summary>
    public sealed class AwsOptions
    {
        /// <summary>Id or ARN of a symmetric key. An alias works as long as nobody points it elsewhere.</summary>
        public string KeyId { get; set; } = "";

        /// <summary>Region of the key. Default: what the environment says.</summary>
        public string Region { get; set; } = "";

        /// <summary>Address of the KMS, for private endpoints. Default: the region's.</summary>
        public string Endpoint { get; set; } = "";

        /// <summary>Keys that may open data keys from before a change of <see cref="KeyId"/>.</summary>
        public IList<string> PreviousKeys { get; } = [];
    }

    /// <summary>Section <c>Obot:Encryption:Azure</c>. Credentials as <c>DefaultAzureCredential</c> finds them.</summary>
    public sealed class AzureOptions
    {
        /// <summary><c>https://{vault}.vault.azure.net/keys/{name}</c>, with or without a version; without one, the latest wraps.</summary>
        public string KeyUrl { get; set; } = "";

        /// <summary><c>RSA-OAEP-256</c> (default) for RSA keys, <c>A256KW</c> for symmetric keys of a managed HSM.</summary>
        public string Algorithm { get; set; } = "RSA-OAEP-256";

        /// <summary>Tenant of the identity. Default: as the vault asks.</summary>
        public string TenantId { get; set; } = "";

        /// <summary>Client id of a user-assigned managed identity. Default: the system's.</summary>
        public string ClientId { get; set; } = "";

        /// <summary>Keys that may open data keys from before a change of <see cref="KeyUrl"/>.</summary>
        public IList<string> PreviousKeys { get; } = [];
    }

    /// <summary>Section <c>Obot:Encryption:Google</c>. Application default credentials.</summary>
    public sealed class GoogleOptions
    {
        /// <summary><c>projects/{p}/locations/{l}/keyRings/{r}/cryptoKeys/{k}</c>.</summary>
        public string KeyName { get; set; } = "";

        /// <summary>Address of Cloud KMS. Default <c>https://cloudkms.googleapis.com</c>.</summary>
        public string Endpoint { get; set; } = "https://cloudkms.googleapis.com";

        /// <summary>Keys that may open data keys from before a change of <see cref="KeyName"/>.</summary>
        public IList<string> PreviousKeys { get; } = [];
    }
}
