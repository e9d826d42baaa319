namespace Obot.Grains.Abstractions.Catalog;

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/mcp-catalogs</c>.</summary>
public sealed record NewCatalog
{
    /// <summary>1 to 100 characters; without it, the last part of the first address.</summary>
    public string? DisplayName { get; init; }

    /// <summary>
    /// At most 20 addresses of Git repositories (<c>https://…</c>, <c>ssh://…</c>, <c>git@host:path</c>, <c>file://…</c>; a branch and a
    /// folder as <c>#branch:folder</c>) or absolute directories on the silos.
    /// </summary>
    public IReadOnlyList<string>? SourceURLs { get; init; }

    /// <summary>
    /// Address of <see cref="SourceURLs"/> → token for https (<c>token</c> or <c>user:token</c>), or private key for ssh (PEM). Write-only:
    /// absent keeps what there is, an empty text removes it.
    /// </summary>
    public IReadOnlyDictionary<string, string>? SourceURLCredentials { get; init; }
}

/// <summary>A catalog, and what its last synchronization found.</summary>
public sealed record CatalogView
{
    public required string Id { get; init; }
    public required string DisplayName { get; init; }
    public required IReadOnlyList<string> SourceURLs { get; init; }

    /// <summary>Addresses that a credential is kept for.</summary>
    public required IReadOnlyList<string> SourceURLsWithCredential { get; init; }
    public required string CreatedBy { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? LastSyncedAt { get; init; }

    /// <summary>Entries that are offered.</summary>
    public required int Entries { get; init; }

    /// <summary>Entries that their source has no more, kept because something was made from them.</summary>
    public required int RemovedEntries { get; init; }
    public required CatalogReport Report { get; init; }
}

/// <summary>What a synchronization found.</summary>
public sealed record CatalogReport
{
    public IReadOnlyList<SourceReport> Sources { get; init; } = [];

    /// <summary>At most 1,000, errors first.</summary>
    public IReadOnlyList<EntryProblem> Problems { get; init; } = [];

    /// <summary>All of them, also those beyond the first 1,000.</summary>
    public int Errors { get; init; }
    public int Warnings { get; init; }
    public int Added { get; init; }
    public int Changed { get; init; }
    public int Removed { get; init; }
    public double Seconds { get; init; }
}

/// <param name="Url">As it is in <see cref="CatalogView.SourceURLs"/>.</param>
/// <param name="Commit">Commit that was read; null for a directory or after an error.</param>
/// <param name="Entries">Good entries.</param>
/// <param name="Error">Why it could not be read; its entries are as they were.</param>
public sealed record SourceReport(string Url, string? Commit, int Files, int Entries, string? Error);

/// <param name="File">Path within the source.</param>
/// <param name="Line">From 1; 0 when it is about the file as a whole.</param>
/// <param name="Field">Path of the field, e.g. <c>npxConfig.package</c>; empty for the file or entry as a whole.</param>
/// <param name="Warning">The entry is used all the same.</param>
public sealed record EntryProblem(string Source, string File, int Line, string Field, string Message, bool Warning);
