using System.Text.Json;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Management;

/// <summary>Body of <c>POST /api/mcp-catalog-entries</c> and <c>PUT /api/mcp-catalog-entries/{id}</c>.</summary>
internal sealed record NewEntryBody
{
    public ServerManifest? Manifest { get; init; }

    /// <summary>Only when it is made; without it, the built-in catalog of own entries.</summary>
    public string? CatalogID { get; init; }
}

/// <summary>A catalog entry.</summary>
internal sealed record EntryBody
{
    public required string Id { get; init; }
    public required string CatalogID { get; init; }
    public required string CatalogName { get; init; }
    public required ServerManifest Manifest { get; init; }

    /// <summary>Where MCP clients connect: the caller's own instance, made on first use, or the one that all share.</summary>
    public required string ConnectURL { get; init; }
    public required IReadOnlyList<string> Categories { get; init; }

    /// <summary>Picture of the entry, served by the platform.</summary>
    public string? IconURL { get; init; }

    /// <summary>Source that manages the entry; absent where it is edited here.</summary>
    public string? SourceURL { get; init; }
    public string? Path { get; init; }
    public int? Line { get; init; }

    /// <summary>No source manages it.</summary>
    public required bool Editable { get; init; }
    public required string OwnerID { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Since then its source has it no more; it is kept because something was made from it.</summary>
    public DateTimeOffset? RemovedAt { get; init; }
    public required bool Removed { get; init; }
    public required IReadOnlyList<PreviewTool> ToolPreview { get; init; }

    /// <summary>The server that was made from it.</summary>
    public string? McpServerID { get; init; }

    /// <summary>That server runs an older revision of the entry.</summary>
    public required bool NeedsUpdate { get; init; }
    public required IReadOnlyList<string> Warnings { get; init; }

    public static EntryBody Of(CatalogEntryView view, string publicUrl, IEnumerable<string>? warnings = null) => new()
    {
        Id = view.Id,
        CatalogID = view.CatalogId,
        CatalogName = view.CatalogName,
        Manifest = view.Manifest,
        ConnectURL = $"{publicUrl}/mcp-connect/{view.Id}",
        Categories = view.Categories,
        IconURL = view.HasIcon ? $"/api/mcp-catalog-entries/{view.Id}/icon" : null,
        SourceURL = view.SourceURL,
        Path = view.Path,
        Line = view.Line > 0 ? view.Line : null,
        Editable = view.SourceURL is null,
        OwnerID = view.OwnerId,
        Revision = view.Revision,
        CreatedAt = view.CreatedAt,
        UpdatedAt = view.UpdatedAt,
        RemovedAt = view.RemovedAt,
        Removed = view.RemovedAt is not null,
        ToolPreview = view.ToolPreview,
        McpServerID = view.ServerId,
        NeedsUpdate = view.ServerNeedsUpdate,
        Warnings = [.. warnings ?? [], .. ManifestJson.UnknownFields(view.Manifest).Select(path => $"Unknown field '{path}' is kept and not used.")],
    };
}

/// <summary>How a server differs from the entry it was made from.</summary>
internal sealed record DriftBody
{
    public required string McpServerID { get; init; }
    public required string CatalogEntryID { get; init; }
    public required bool NeedsUpdate { get; init; }

    /// <summary>The source has the entry no more: nothing to apply.</summary>
    public required bool EntryRemoved { get; init; }
    public long? ServerRevision { get; init; }
    public long? EntryRevision { get; init; }
    public required IReadOnlyList<FieldDriftBody> Fields { get; init; }

    public static DriftBody Of(ServerDrift drift) => new()
    {
        McpServerID = drift.ServerId,
        CatalogEntryID = drift.CatalogEntryId,
        NeedsUpdate = drift.NeedsUpdate,
        EntryRemoved = drift.EntryRemoved,
        ServerRevision = drift.ServerRevision,
        EntryRevision = drift.EntryRevision,
        Fields = [.. drift.Fields.Select(field => new FieldDriftBody(field.Field, field.Server, field.Entry))],
    };
}

/// <summary>Absent values are none, or secret.</summary>
internal sealed record FieldDriftBody(string Field, JsonElement? Server, JsonElement? Entry);
