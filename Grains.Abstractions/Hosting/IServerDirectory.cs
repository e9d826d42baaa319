namespace Obot.Grains.Abstractions.Hosting;

/// <summary>Port: what the data plane needs to know of a server to find its instance. Answered from memory once asked.</summary>
public interface IServerDirectory
{
    /// <summary>Null when there is no such server.</summary>
    ValueTask<ServerEntry?> Find(string serverId, CancellationToken cancellationToken);
}

/// <param name="PerUser">Each caller has an instance of their own.</param>
/// <param name="OwnerId">Who made it, and may call it without a rule.</param>
public sealed record ServerEntry(string ServerId, bool PerUser, string OwnerId)
{
    /// <summary>Catalog entry that the server was made from; rules may name it.</summary>
    public string? CatalogEntryId { get; init; }

    /// <summary>Catalog of that entry; rules may name it.</summary>
    public string? CatalogId { get; init; }

    /// <summary>The instance that a caller reaches.</summary>
    public McpInstanceId InstanceFor(string userId) => PerUser ? McpInstanceId.Of(ServerId, userId) : McpInstanceId.Shared(ServerId);
}
