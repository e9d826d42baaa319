using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Catalog;

/// <summary>
/// Port: what the catalogs offer. Everyone sees the entries that access rules open for them (by entry, catalog or everything);
/// administrators see all, and make and change those that no source manages.
/// </summary>
public interface ICatalogEntries
{
    /// <summary>By name; by relevance when <see cref="EntryQuery.Search"/> is given.</summary>
    /// <param name="limit">1 … 500.</param>
    Task<Page<CatalogEntryView>> List(Principal caller, EntryQuery query, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>Null when there is none, or the caller may not see it.</summary>
    Task<CatalogEntryView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Categories of all entries that the caller sees, by name, at most 500.</summary>
    Task<IReadOnlyList<string>> Categories(Principal caller, CancellationToken cancellationToken);

    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    /// <param name="catalogId">Null for the built-in catalog.</param>
    Task<CatalogEntryView> Create(Principal caller, string? catalogId, ServerManifest manifest, CancellationToken cancellationToken);

    /// <summary>Null when there is none.</summary>
    /// <exception cref="ConflictException">A source manages it: it is changed there.</exception>
    Task<CatalogEntryView?> Update(Principal caller, string id, ServerManifest manifest, CancellationToken cancellationToken);

    /// <summary>False when there is none.</summary>
    /// <exception cref="ConflictException">A source manages it, or something was made from it.</exception>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>
    /// Starts the entry once, lists its tools, stops and forgets it, and keeps the list as the entry's preview. Null when there is none.
    /// </summary>
    /// <param name="values">What it needs for that one start; not kept.</param>
    /// <exception cref="ServerUnavailableException">It could not be started or did not answer.</exception>
    Task<CatalogEntryView?> PreviewTools(Principal caller, string id, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken);

    /// <summary>The icon, fetched by the platform so that no page tells its readers' addresses to a stranger; a placeholder where it cannot be had. Null when there is none.</summary>
    Task<EntryIcon?> Icon(Principal caller, string id, CancellationToken cancellationToken);
}

/// <param name="Search">Words of name and descriptions; also parts of a name and, where the database has pg_trgm, names with a typing error.</param>
/// <param name="Removed">Also those that their source has no more.</param>
public sealed record EntryQuery(string? CatalogId = null, string? Category = null, string? Runtime = null, string? Search = null, bool Removed = false);

public sealed record EntryIcon(byte[] Bytes, string ContentType);

/// <summary>An entry as it is offered.</summary>
public sealed record CatalogEntryView
{
    public required string Id { get; init; }
    public required string CatalogId { get; init; }
    public required string CatalogName { get; init; }
    public required ServerManifest Manifest { get; init; }
    public required IReadOnlyList<string> Categories { get; init; }
    public required bool HasIcon { get; init; }

    /// <summary>Source that manages it; null when it is edited here.</summary>
    public string? SourceURL { get; init; }
    public string? Path { get; init; }
    public int Line { get; init; }
    public required string OwnerId { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Since then its source has it no more.</summary>
    public DateTimeOffset? RemovedAt { get; init; }

    /// <summary>Tools of a trial launch; those that the manifest names otherwise.</summary>
    public required IReadOnlyList<PreviewTool> ToolPreview { get; init; }

    /// <summary>Its deployment, where there is one.</summary>
    public string? ServerId { get; init; }

    /// <summary>The deployment runs an older revision of the entry.</summary>
    public bool ServerNeedsUpdate { get; init; }
}

/// <param name="Params">Name of a parameter → what it is.</param>
public sealed record PreviewTool(string Name, string? Description, IReadOnlyDictionary<string, string>? Params);
