namespace Obot.Data.Tables;

/// <summary>Table <c>users</c>.</summary>
public sealed class UserRow
{
    public required string Id { get; set; }
    public required string Name { get; set; }

    /// <summary>Name of the role (<c>Basic</c> … <c>Owner</c>).</summary>
    public required string Role { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }

    /// <summary>Name of the kind: <c>Person</c>, <c>Service</c>, <c>System</c>.</summary>
    public string Kind { get; set; } = "Person";

    /// <summary>Encrypted.</summary>
    public byte[]? Email { get; set; }

    /// <summary>Blind index of the e-mail address in lower case: finds it without reading it.</summary>
    public byte[]? EmailIndex { get; set; }
    public bool Auditor { get; set; }
    public DateTimeOffset? DisabledAt { get; set; }
    public DateTimeOffset? LastSeenAt { get; set; }
}

/// <summary>Table <c>mcp_servers</c>.</summary>
public sealed class ServerRow
{
    public required string Id { get; set; }
    public required string OwnerId { get; set; }
    public required string Name { get; set; }

    /// <summary>JSON of the manifest.</summary>
    public required string Manifest { get; set; }

    /// <summary>From 1, up by one with every change.</summary>
    public required long Revision { get; set; }

    /// <summary>The data plane's question, answered without reading the manifest.</summary>
    public required bool PerUser { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Catalog entry that this is the deployment of; null for a server made from a manifest.</summary>
    public string? CatalogEntryId { get; set; }
    public string? CatalogId { get; set; }

    /// <summary>Revision of the entry that the manifest was taken from last.</summary>
    public long? CatalogEntryRevision { get; set; }
}

/// <summary>Table <c>mcp_server_values</c>: what users supply for <c>env</c> and <c>headers</c>, one row an instance.</summary>
public sealed class ServerValueRow
{
    /// <summary>Instance key.</summary>
    public required string Instance { get; set; }
    public required string ServerId { get; set; }

    /// <summary>JSON object of key → value.</summary>
    public required string Values { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>mcp_server_instances</c>: every instance that was ever started and not removed since.</summary>
public sealed class ServerInstanceRow
{
    /// <summary>Instance key.</summary>
    public required string Instance { get; set; }
    public required string ServerId { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
}

/// <summary>Table <c>api_keys</c>.</summary>
public sealed class ApiKeyRow
{
    public required string Id { get; set; }
    public required string UserId { get; set; }
    public required string Name { get; set; }

    /// <summary>First characters of the key.</summary>
    public required string Prefix { get; set; }

    /// <summary>SHA-256 of the whole key.</summary>
    public required byte[] Hash { get; set; }
    public required string[] Scopes { get; set; }
    public string[]? ServerIds { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset? ExpiresAt { get; set; }
    public DateTimeOffset? LastUsedAt { get; set; }
    public DateTimeOffset? RevokedAt { get; set; }
}

/// <summary>Table <c>cluster_keys</c>: keys that all silos share.</summary>
public sealed class ClusterKeyRow
{
    public required string Id { get; set; }

    /// <summary><c>assertion</c> (PKCS#8 of a P-256 key), <c>ca</c> (PKCS#12), <c>secret</c> (32 bytes).</summary>
    public required string Purpose { get; set; }
    public required byte[] Material { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset? RetiredAt { get; set; }
}

/// <summary>Table <c>security_events</c>: written in the transaction of the change it announces, pruned after a day.</summary>
public sealed class SecurityEventRow
{
    /// <summary>Monotonic in commit order: taken under the row lock of <c>security_head</c>.</summary>
    public required long Revision { get; set; }
    public required string Kind { get; set; }
    public required string Subject { get; set; }
    public required DateTimeOffset At { get; set; }
}

/// <summary>Table <c>data_protection_keys</c>.</summary>
public sealed class DataProtectionKeyRow
{
    public required string Id { get; set; }
    public required string Xml { get; set; }
}

/// <summary>Table <c>sign_in_codes</c>: one-time sign-in links that were not used yet.</summary>
public sealed class SignInCodeRow
{
    /// <summary>SHA-256 of the code.</summary>
    public required byte[] Hash { get; set; }
    public required string UserId { get; set; }
    public required DateTimeOffset ExpiresAt { get; set; }
}

/// <summary>Table <c>data_keys</c>: keys that values are encrypted with, each wrapped by a KMS.</summary>
public sealed class DataKeyRow
{
    /// <summary>16 hexadecimal digits.</summary>
    public required string Id { get; set; }

    /// <summary><c>data</c>, or <c>index</c> (blind indexes; never rotated).</summary>
    public required string Purpose { get; set; }

    /// <summary><c>local</c>, <c>aws</c>, <c>azure</c>, <c>gcp</c>.</summary>
    public required string Provider { get; set; }

    /// <summary>The provider's name of the key that wrapped it.</summary>
    public required string KmsKey { get; set; }
    public required byte[] Wrapped { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }

    /// <summary>Since then nothing new is written with it.</summary>
    public DateTimeOffset? SupersededAt { get; set; }

    /// <summary>Since then nothing of this database needs it; backups from before still do.</summary>
    public DateTimeOffset? RetiredAt { get; set; }
}
