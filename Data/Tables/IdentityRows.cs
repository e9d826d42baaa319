namespace Obot.Data.Tables;

/// <summary>Table <c>auth_providers</c>: identity providers that administrators configured.</summary>
public sealed class AuthProviderRow
{
    public required string Id { get; set; }

    /// <summary><c>oidc</c> or <c>github</c>.</summary>
    public required string Kind { get; set; }
    public required string Name { get; set; }
    public required bool Enabled { get; set; }

    /// <summary>JSON of everything but the secret.</summary>
    public required string Settings { get; set; }

    /// <summary>The client secret, encrypted.</summary>
    public byte[]? Secret { get; set; }

    /// <summary>From 1, up by one with every change.</summary>
    public required long Revision { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>user_identities</c>: who a user is at an identity provider.</summary>
public sealed class UserIdentityRow
{
    public required string ProviderId { get; set; }

    /// <summary>The provider's own stable id of the user (<c>sub</c>).</summary>
    public required string Subject { get; set; }
    public required string UserId { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset LastSignInAt { get; set; }
}

/// <summary>Table <c>local_accounts</c>: users with a password of ours.</summary>
public sealed class LocalAccountRow
{
    public required string UserId { get; set; }

    /// <summary>In lower case.</summary>
    public required string UserName { get; set; }
    public required string PasswordHash { get; set; }

    /// <summary>Wrong passwords since the last right one.</summary>
    public required int Failures { get; set; }
    public DateTimeOffset? LockedUntil { get; set; }
    public required DateTimeOffset ChangedAt { get; set; }
}

/// <summary>Table <c>groups</c>.</summary>
public sealed class GroupRow
{
    public required string Id { get; set; }

    /// <summary>Identity provider that names it; empty for groups kept by hand.</summary>
    public required string ProviderId { get; set; }

    /// <summary>The provider's name or id of the group; the own id for groups kept by hand.</summary>
    public required string ExternalId { get; set; }
    public required string Name { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
}

/// <summary>Table <c>group_members</c>.</summary>
public sealed class GroupMemberRow
{
    public required string GroupId { get; set; }
    public required string UserId { get; set; }
}

/// <summary>Table <c>user_sessions</c>: the index of the session grains.</summary>
public sealed class UserSessionRow
{
    public required string Id { get; set; }
    public required string UserId { get; set; }

    /// <summary>How it was opened: an identity provider's id, <c>local</c>, <c>token</c> or <c>code</c>.</summary>
    public required string ProviderId { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset LastSeenAt { get; set; }
    public required DateTimeOffset ExpiresAt { get; set; }
    public required string UserAgent { get; set; }
    public required string ClientIp { get; set; }
}

/// <summary>Table <c>settings</c>: what administrators set while the platform runs.</summary>
public sealed class SettingRow
{
    public required string Key { get; set; }

    /// <summary>JSON.</summary>
    public required string Value { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}
