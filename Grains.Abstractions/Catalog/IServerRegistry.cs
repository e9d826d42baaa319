using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Catalog;

/// <summary>
/// Port: what the MCP registry API lists: catalog entries and servers that people made and shared, for whom a rule opens them or who
/// made them. A list of what may be called, so administrators see no more than others.
/// </summary>
public interface IServerRegistry
{
    /// <summary>In a fixed order that changes of items do not disturb.</summary>
    /// <param name="caller">Null for somebody unknown: what everyone may see.</param>
    /// <exception cref="InvalidInputException">The cursor is none of ours.</exception>
    Task<RegistryPage> List(Principal? caller, RegistryQuery query, CancellationToken cancellationToken);

    /// <param name="caller">Null for somebody unknown.</param>
    /// <param name="name">Without the namespace.</param>
    /// <param name="includeDeleted">Also what is kept only because something was made from it.</param>
    Task<RegistryItem?> Find(Principal? caller, string name, bool includeDeleted, CancellationToken cancellationToken);
}

/// <param name="Limit">1 … 100.</param>
/// <param name="Search">Part of a name.</param>
/// <param name="UpdatedSince">Only what changed then or later; includes what was deleted since.</param>
/// <param name="Version">Exact version; null or <c>latest</c> for the latest.</param>
public sealed record RegistryQuery(int Limit, string? Cursor = null, string? Search = null, DateTimeOffset? UpdatedSince = null, string? Version = null, bool IncludeDeleted = false);

public sealed record RegistryPage(IReadOnlyList<RegistryItem> Items, string? NextCursor);

/// <summary>One server of the registry.</summary>
public sealed record RegistryItem
{
    /// <summary>Without the namespace; letters, digits, <c>. _ -</c>.</summary>
    public required string Name { get; init; }
    public required string Title { get; init; }
    public required string Description { get; init; }

    /// <summary><c>1.0.N</c> with the revision.</summary>
    public required string Version { get; init; }
    public string? RepositoryUrl { get; init; }

    /// <summary>Id below <c>/mcp-connect</c>.</summary>
    public required string ConnectId { get; init; }
    public required string Runtime { get; init; }
    public required IReadOnlyList<string> Categories { get; init; }
    public required DateTimeOffset PublishedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? DeletedAt { get; init; }
}
