using NpgsqlTypes;

namespace Obot.Data.Tables;

/// <summary>Table <c>mcp_catalogs</c>: where catalog entries come from.</summary>
public sealed class CatalogRow
{
    public required string Id { get; set; }
    public required string DisplayName { get; set; }
    public required string CreatedBy { get; set; }

    /// <summary>Git addresses and absolute directories; empty where all entries are made by hand.</summary>
    public required string[] SourceUrls { get; set; }

    /// <summary>Encrypted JSON object of address → token or private key.</summary>
    public string? Credentials { get; set; }

    /// <summary>From 1, up by one with every change of a person.</summary>
    public required long Revision { get; set; }
    public DateTimeOffset? LastSyncedAt { get; set; }

    /// <summary>JSON of what the last synchronization found.</summary>
    public string? SyncReport { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>mcp_catalog_entries</c>.</summary>
public sealed class CatalogEntryRow
{
    public required string Id { get; set; }
    public required string CatalogId { get; set; }

    /// <summary>Source that it is read from; null for one that people edit.</summary>
    public string? SourceUrl { get; set; }

    /// <summary>File within the source.</summary>
    public string? Path { get; set; }

    /// <summary>Line within the file, from 1; 0 without a file.</summary>
    public required int Line { get; set; }

    /// <summary>What it is within its source, whatever its file is called.</summary>
    public required string EntryKey { get; set; }
    public required string Name { get; set; }
    public required string ShortDescription { get; set; }
    public required string Description { get; set; }
    public required string[] Categories { get; set; }
    public string? Icon { get; set; }
    public required string Runtime { get; set; }
    public required string ServerUserType { get; set; }

    /// <summary>Name in the registry without its namespace; kept as long as the entry.</summary>
    public required string RegistryName { get; set; }

    /// <summary>JSON string of the encrypted manifest.</summary>
    public required string Manifest { get; set; }

    /// <summary>Keyed hash of the manifest: whether it changed.</summary>
    public required byte[] Hash { get; set; }

    /// <summary>From 1, up by one with every change of the manifest.</summary>
    public required long Revision { get; set; }

    /// <summary>JSON of the tools that a trial launch listed.</summary>
    public string? ToolPreview { get; set; }

    /// <summary>Who made it, or its catalog.</summary>
    public required string OwnerId { get; set; }

    /// <summary>Since then its source has it no more; kept because something was made from it.</summary>
    public DateTimeOffset? RemovedAt { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Made by the database of name and descriptions.</summary>
    public NpgsqlTsVector Search { get; set; } = null!;
}

/// <summary>Table <c>change_log</c>: written in the transaction of the change it tells of.</summary>
public sealed class ChangeRow
{
    public long Id { get; set; }
    public required DateTimeOffset At { get; set; }
    public required string UserId { get; set; }

    /// <summary>Kind of the thing, as the management API names it.</summary>
    public required string Kind { get; set; }
    public required string SubjectId { get; set; }
    public required string SubjectName { get; set; }

    /// <summary><c>create</c>, <c>update</c>, <c>delete</c> or the name of an action.</summary>
    public required string Action { get; set; }

    /// <summary>JSON; names of what changed, never a value that may be secret.</summary>
    public string? Details { get; set; }
}
