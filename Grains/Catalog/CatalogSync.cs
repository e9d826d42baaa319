using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Catalog.Files;
using Obot.Grains.Catalog.Sources;

namespace Obot.Grains.Catalog;

/// <summary>
/// One synchronization: read all sources, compare with the table, write what differs, in one transaction. A source that cannot be read, a
/// file that is broken: their entries stay as they were.
/// </summary>
internal sealed partial class CatalogSync(
    IDbContextFactory<ObotDb> databases, SourceReader sources, IEncryption encryption, IOptions<CatalogOptions> options, TimeProvider time, ILogger<CatalogSync> logger)
{
    private const int MaxProblems = 1000;

    public async Task RunAsync(string catalogId, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Catalogs.AsNoTracking().SingleOrDefaultAsync(row => row.Id == catalogId, cancellationToken) is not { } before)
        {
            return;
        }

        var credentials = StoredCredentials.Read(encryption, before);
        var read = new List<ReadSource>();
        foreach (var url in before.SourceUrls)
        {
            read.Add(await ReadAsync(catalogId, url, credentials.GetValueOrDefault(url), cancellationToken));
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);

        // names in the registry are given out by one at a time
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtext('mcp_catalog_entries'))", cancellationToken);
        var catalog = await db.Catalogs.FromSql($"SELECT * FROM mcp_catalogs WHERE id = {catalogId} FOR UPDATE").SingleOrDefaultAsync(cancellationToken);
        if (catalog is null)
        {
            return;
        }

        // a source that was taken out meanwhile counts no more
        var now = time.Now();
        var merge = new EntryMerge(db, encryption, catalog, now);
        var outcome = await merge.RunAsync(read.FindAll(source => catalog.SourceUrls.Contains(source.Url, StringComparer.Ordinal)), cancellationToken);
        var report = Report(read, outcome) with { Seconds = Math.Round(time.GetElapsedTime(begun).TotalSeconds, 3) };
        catalog.LastSyncedAt = now;
        catalog.SyncReport = JsonSerializer.Serialize(report, JsonSerializerOptions.Web);
        if (outcome is not { Added: 0, Changed: 0, Removed: 0 })
        {
            db.NoteChange(now, EntryMerge.User, "sync", "mcp-catalogs", catalogId, catalog.DisplayName, JsonSerializer.Serialize(new { outcome.Added, outcome.Changed, outcome.Removed }, JsonSerializerOptions.Web));
        }

        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        LogDone(catalogId, outcome.Added, outcome.Changed, outcome.Removed, report.Errors, report.Seconds);
    }

    private async Task<ReadSource> ReadAsync(string catalogId, string url, string? credential, CancellationToken cancellationToken)
    {
        try
        {
            var files = await sources.ReadAsync(url, credential, cancellationToken);
            var problems = new List<EntryProblem>(files.Refused);
            var location = SourceAddress.Parse(url)!.Location;
            var entries = new Dictionary<string, FileEntry>(StringComparer.Ordinal);
            foreach (var entry in files.Files.SelectMany(file => EntryFile.Read(url, file, problems)))
            {
                var id = EntryIds.Of(catalogId, location, entry.Key);
                if (entries.Count >= options.Value.MaxEntries)
                {
                    throw new SourceException($"It has more than {options.Value.MaxEntries} entries (Obot:Catalog:MaxEntries).");
                }

                if (!entries.TryAdd(id, entry))
                {
                    problems.Add(new(url, entry.Path, entry.Line, "entryKey", $"The key '{entry.Key}' is taken by {entries[id].Path}, line {entries[id].Line}. Give one of them another 'entryKey'.", Warning: false));
                }
            }

            return new(url, files.Commit, files.Files.Count + files.Refused.Count, entries, problems, null);
        }
        catch (Exception e) when (e is SourceException or IOException or UnauthorizedAccessException)
        {
            LogUnreadable(e, catalogId, url);
            return new(url, null, 0, new(StringComparer.Ordinal), [], e.Message);
        }
    }

    private static CatalogReport Report(List<ReadSource> read, MergeOutcome outcome)
    {
        var problems = read.SelectMany(source => source.Problems).OrderBy(problem => problem.Warning).ToList();
        return new()
        {
            Sources = read.ConvertAll(source => new SourceReport(source.Url, source.Commit, source.Files, source.Entries.Count, source.Error)),
            Problems = [.. problems.Take(MaxProblems)],
            Errors = problems.Count(problem => !problem.Warning),
            Warnings = problems.Count(problem => problem.Warning),
            Added = outcome.Added,
            Changed = outcome.Changed,
            Removed = outcome.Removed,
        };
    }

    [LoggerMessage(LogLevel.Information, "Catalog {Catalog} read: {Added} entries new, {Changed} changed, {Removed} gone, {Errors} errors, {Seconds:0.00} s")]
    private partial void LogDone(string catalog, int added, int changed, int removed, int errors, double seconds);

    [LoggerMessage(LogLevel.Warning, "Source {Url} of catalog {Catalog} cannot be read; its entries stay as they are")]
    private partial void LogUnreadable(Exception exception, string catalog, string url);
}

/// <param name="Entries">By id.</param>
/// <param name="Error">Why it could not be read.</param>
internal sealed record ReadSource(string Url, string? Commit, int Files, Dictionary<string, FileEntry> Entries, List<EntryProblem> Problems, string? Error);
