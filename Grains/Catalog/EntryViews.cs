using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting;

namespace Obot.Grains.Catalog;

/// <summary>Entries as they are shown. Sensitive static values never leave.</summary>
internal static class EntryViews
{
    private const string ToolPreview = "toolPreview";

    public static async Task<IReadOnlyList<CatalogEntryView>> ManyAsync(ObotDb db, IEncryption encryption, IReadOnlyList<CatalogEntryRow> rows, CancellationToken cancellationToken)
    {
        var ids = rows.Select(row => row.Id).ToArray();
        var catalogIds = rows.Select(row => row.CatalogId).Distinct(StringComparer.Ordinal).ToArray();
        var names = await db.Catalogs.Where(row => catalogIds.Contains(row.Id)).ToDictionaryAsync(row => row.Id, row => row.DisplayName, StringComparer.Ordinal, cancellationToken);
        var servers = await db.Servers.Where(row => row.CatalogEntryId != null && ids.Contains(row.CatalogEntryId))
            .Select(row => new { row.Id, EntryId = row.CatalogEntryId!, row.CatalogEntryRevision }).ToDictionaryAsync(row => row.EntryId, StringComparer.Ordinal, cancellationToken);
        return
        [
            .. rows.Select(row =>
            {
                var server = servers.GetValueOrDefault(row.Id);
                var manifest = encryption.DecryptEntry(row);
                return new CatalogEntryView
                {
                    Id = row.Id,
                    CatalogId = row.CatalogId,
                    CatalogName = names.GetValueOrDefault(row.CatalogId) ?? "",
                    Manifest = ManifestEntries.Redact(manifest),
                    Categories = row.Categories,
                    HasIcon = row.Icon is not null,
                    SourceURL = row.SourceUrl,
                    Path = row.Path,
                    Line = row.Line,
                    OwnerId = row.OwnerId,
                    Revision = row.Revision,
                    CreatedAt = row.CreatedAt,
                    UpdatedAt = row.UpdatedAt,
                    RemovedAt = row.RemovedAt,
                    ToolPreview = Preview(row, manifest),
                    ServerId = server?.Id,
                    ServerNeedsUpdate = server is not null && row.RemovedAt is null && server.CatalogEntryRevision < row.Revision,
                };
            }),
        ];
    }

    /// <summary>What a trial launch listed; otherwise what the author wrote down.</summary>
    private static List<PreviewTool> Preview(CatalogEntryRow row, ServerManifest manifest)
    {
        try
        {
            return row.ToolPreview is not null
                ? JsonSerializer.Deserialize<List<PreviewTool>>(row.ToolPreview, JsonSerializerOptions.Web) ?? []
                : manifest.Unknown?.TryGetValue(ToolPreview, out var written) is true ? written.Deserialize<List<PreviewTool>>(JsonSerializerOptions.Web) ?? [] : [];
        }
        catch (JsonException)
        {
            // an author's own idea of a preview does not hide the entry
            return [];
        }
    }
}
