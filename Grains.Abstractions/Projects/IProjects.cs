using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Projects;

/// <summary>
/// Port: projects, each with its instructions, servers, model and members, in which conversations are held. Everybody has one of their own from
/// the first visit (<see cref="Default"/>). What is not there, or not for the caller, is null or false.
/// </summary>
public interface IProjects
{
    /// <summary>The caller's own project, made when it is asked for first.</summary>
    Task<ProjectView> Default(Principal caller, CancellationToken cancellationToken);

    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    Task<ProjectView> Create(Principal caller, ProjectSettings settings, CancellationToken cancellationToken);

    /// <summary>The caller's own and those that are shared with them, by name.</summary>
    Task<Page<ProjectView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);

    Task<ProjectView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    /// <exception cref="NotAllowedException">The caller may not edit it.</exception>
    Task<ProjectView?> Update(Principal caller, string id, ProjectSettings settings, CancellationToken cancellationToken);

    /// <summary>With its conversations. The default project is emptied and stays.</summary>
    /// <exception cref="NotAllowedException">The caller is not its owner.</exception>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    Task<IReadOnlyList<ProjectMember>?> Members(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Replaces who else may use it. Owner only.</summary>
    Task<IReadOnlyList<ProjectMember>?> Share(Principal caller, string id, IReadOnlyList<ProjectMember> members, CancellationToken cancellationToken);

    /// <summary>A copy of the settings (and knowledge) of a template, owned by the caller.</summary>
    Task<ProjectView?> Copy(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>How the caller's tools are approved here: tool (<c>{serverId}/{tool}</c>) → <c>always</c> or <c>never</c>; what is absent asks.</summary>
    Task<IReadOnlyDictionary<string, string>?> Approvals(Principal caller, string id, CancellationToken cancellationToken);

    /// <param name="approval"><c>always</c>, <c>never</c>, or null to ask again.</param>
    Task<bool> SetApproval(Principal caller, string id, string tool, string? approval, CancellationToken cancellationToken);
}

/// <param name="Instructions">Given to the model in front of every conversation; at most 20,000 characters.</param>
/// <param name="Model">Name or alias; null for the installation's default.</param>
/// <param name="Servers">Ids of servers whose tools are offered; those that a member may not use are not offered to that member.</param>
/// <param name="IsTemplate">Members and, where it is shared with everyone, all users may copy it.</param>
public sealed record ProjectSettings(string Name, string? Description = null, string? Instructions = null, string? Model = null, IReadOnlyList<string>? Servers = null, bool IsTemplate = false);

public sealed record ProjectView
{
    public required string Id { get; init; }
    public required string OwnerId { get; init; }
    public required ProjectSettings Settings { get; init; }
    public required ProjectAccess Access { get; init; }
    public bool IsDefault { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <param name="UserId">Or <c>*</c> for everyone.</param>
public sealed record ProjectMember(string UserId, ProjectAccess Access);

/// <summary>Each includes the ones before it.</summary>
public enum ProjectAccess
{
    /// <summary>Sees the project and its conversations.</summary>
    Read,

    /// <summary>Holds own conversations in it.</summary>
    Use,

    /// <summary>Changes its settings and knowledge.</summary>
    Edit,
    Owner,
}
