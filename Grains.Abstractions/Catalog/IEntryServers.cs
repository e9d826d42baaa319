using System.Text.Json;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Catalog;

/// <summary>
/// Port: servers that are made from catalog entries. An entry has one server; behind it each caller has an instance of their own
/// (<c>singleUser</c>) or all share one (<c>multiUser</c>).
/// </summary>
public interface IEntryServers
{
    /// <summary>The entry's server with the caller's instance; made if there is none. Null when the caller sees no such entry.</summary>
    /// <exception cref="InvalidInputException">This installation cannot run it.</exception>
    Task<McpServerView?> Deploy(Principal caller, string entryId, CancellationToken cancellationToken);

    /// <summary>How the server differs from its entry. Null when there is no such server, the caller may not manage it, or it has no entry.</summary>
    Task<ServerDrift?> Drift(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>Brings the server to what its entry says now; instances restart with it. Null as above.</summary>
    /// <exception cref="NotAllowedException">The caller sees it and may not manage it.</exception>
    /// <exception cref="ConflictException">The entry is gone.</exception>
    Task<McpServerView?> Apply(Principal caller, string serverId, CancellationToken cancellationToken);
}

/// <param name="EntryRemoved">Its source has the entry no more: nothing to apply.</param>
/// <param name="Fields">What differs, by path. Values that are secret are left out.</param>
public sealed record ServerDrift(string ServerId, string CatalogEntryId, bool NeedsUpdate, bool EntryRemoved, long? ServerRevision, long? EntryRevision, IReadOnlyList<FieldDrift> Fields);

/// <param name="Server">Value at the server; absent where it has none or it is secret.</param>
/// <param name="Entry">Value at the entry; absent likewise.</param>
public sealed record FieldDrift(string Field, JsonElement? Server, JsonElement? Entry);
