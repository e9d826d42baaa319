using System.Text.Json;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary>A user. Groups and identities only where one user is asked for.</summary>
internal sealed record UserBody
{
    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary><c>person</c> · <c>service</c> · <c>system</c>.</summary>
    public required string Kind { get; init; }
    public string? Email { get; init; }

    /// <summary><c>basic</c> · <c>power</c> · <c>powerPlus</c> · <c>admin</c> · <c>owner</c>.</summary>
    public required string Role { get; init; }

    /// <summary><c>assigned</c> · <c>bootstrap</c> · the setting that names the user's e-mail address.</summary>
    public required string RoleSource { get; init; }
    public required bool Auditor { get; init; }
    public required bool Disabled { get; init; }
    public DateTimeOffset? DisabledAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
    public IReadOnlyList<UserGroupBody>? Groups { get; init; }
    public IReadOnlyList<UserIdentityBody>? Identities { get; init; }

    /// <summary>What the credential at hand is good for; only at <c>/api/me</c>.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>The only servers that the credential at hand reaches; only at <c>/api/me</c>, absent for all.</summary>
    public IReadOnlyList<string>? McpServerIDs { get; init; }

    /// <summary>Unknown fields of the request.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    public static UserBody Of(UserView view) => Of(view, null);

    public static UserBody Of(UserView view, IReadOnlyList<string>? warnings) => new()
    {
        Id = view.Id,
        Name = view.Name,
        Kind = JsonNamingPolicy.CamelCase.ConvertName(view.Kind.ToString()),
        Email = view.Email,
        Role = view.Role.Text(),
        RoleSource = view.RoleSource,
        Auditor = view.Auditor,
        Disabled = view.DisabledAt is not null,
        DisabledAt = view.DisabledAt,
        CreatedAt = view.CreatedAt,
        LastSeenAt = view.LastSeenAt,
        Groups = (view as UserDetails)?.Groups.Select(group => new UserGroupBody(group.Id, group.Name, group.ProviderId)).ToList(),
        Identities = (view as UserDetails)?.Identities
            .Select(identity => new UserIdentityBody(identity.ProviderId, identity.Subject, identity.CreatedAt, identity.LastSignInAt)).ToList(),
        Warnings = warnings is { Count: > 0 } ? warnings : null,
    };
}

/// <param name="ProviderID">Absent for groups kept by hand.</param>
internal sealed record UserGroupBody(string Id, string Name, string? ProviderID);

/// <param name="ProviderID">Identity provider, or <c>local</c>.</param>
internal sealed record UserIdentityBody(string ProviderID, string Subject, DateTimeOffset CreatedAt, DateTimeOffset LastSignInAt);

/// <summary>Body of <c>PATCH /api/users/{id}</c> and <c>PATCH /api/service-accounts/{id}</c>: what is left out stays.</summary>
internal sealed record UserChangeBody
{
    public string? Role { get; init; }

    /// <summary>Owners only.</summary>
    public bool? Auditor { get; init; }
    public bool? Disabled { get; init; }
    public string? Name { get; init; }
}

/// <summary>Body of <c>POST /api/service-accounts</c>.</summary>
internal sealed record NewServiceAccountBody
{
    public string? Name { get; init; }

    /// <summary>At most the caller's own. Default: <c>basic</c>.</summary>
    public string? Role { get; init; }

    /// <summary>Ids of groups that are kept by hand.</summary>
    public IReadOnlyList<string>? Groups { get; init; }
}

/// <summary>Body of <c>GET</c> and <c>PUT /api/user-default-role-settings</c>.</summary>
internal sealed record DefaultRoleBody
{
    public string? Role { get; init; }

    /// <summary>Unknown fields of the request.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }
}

/// <summary>A group.</summary>
/// <param name="ProviderID">Identity provider that sets its members; absent for groups kept by hand.</param>
internal sealed record GroupBody(string Id, string Name, string? ProviderID, int MemberCount, DateTimeOffset CreatedAt)
{
    /// <summary>Unknown fields of the request.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    public static GroupBody Of(GroupView view) => new(view.Id, view.Name, view.ProviderId, view.MemberCount, view.CreatedAt);
}

/// <summary>Body of <c>POST /api/groups</c>.</summary>
internal sealed record NewGroupBody
{
    public string? Name { get; init; }
}

/// <param name="Kind"><c>person</c> · <c>service</c> · <c>system</c>.</param>
internal sealed record GroupMemberBody(string Id, string Name, string Kind)
{
    public static GroupMemberBody Of(GroupMember member) => new(member.UserId, member.Name, JsonNamingPolicy.CamelCase.ConvertName(member.Kind.ToString()));
}
