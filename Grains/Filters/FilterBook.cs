using System.Collections.Concurrent;
using System.Collections.Frozen;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Filters;

/// <summary>All filters of one moment that are not disabled. Immutable but for what it has picked already.</summary>
internal sealed class FilterBook
{
    private static readonly IReadOnlyList<ServerFilter> None = [];

    private readonly (FilterRow Row, ServerFilter Filter)[] filters;
    private readonly FrozenSet<string> filterServers;
    private readonly ConcurrentDictionary<ServerEntry, IReadOnlyList<ServerFilter>> picked = new();

    public FilterBook(IEnumerable<FilterRow> rows, IEncryption encryption)
    {
        filters = [.. rows.Where(row => !row.Disabled).OrderBy(row => row.Position).ThenBy(row => row.CreatedAt).ThenBy(row => row.Id, StringComparer.Ordinal).Select(row => (row, FilterMapping.Resolve(row, encryption)))];
        filterServers = filters.Select(one => one.Row.ServerId).OfType<string>().ToFrozenSet(StringComparer.Ordinal);
    }

    public int Count => filters.Length;

    public IReadOnlyList<ServerFilter> For(ServerEntry server) => filters.Length == 0 ? None : picked.GetOrAdd(server, Pick);

    /// <summary>The tool of a filter server at this server.</summary>
    public (string ServerId, string ToolName)? ToolOf(string filterId, ServerEntry server) =>
        For(server).Any(one => one.Id == filterId) && Array.Find(filters, one => one.Row.Id == filterId).Row is { ServerId: { } id, ToolName: { } tool } ? (id, tool) : null;

    private IReadOnlyList<ServerFilter> Pick(ServerEntry server) =>
    [
        .. filters.Where(one => Touches(one.Row, server) && !(one.Row.ServerId is not null && filterServers.Contains(server.ServerId))).Select(one => one.Filter),
    ];

    private static bool Touches(FilterRow row, ServerEntry server) =>
        row.Everything
        || row.ServerIds.Contains(server.ServerId, StringComparer.Ordinal)
        || (server.CatalogEntryId is { } entry && row.EntryIds.Contains(entry, StringComparer.Ordinal))
        || (server.CatalogId is { } catalog && row.CatalogIds.Contains(catalog, StringComparer.Ordinal));
}
