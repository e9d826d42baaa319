namespace Obot.Grains.Abstractions.Hosting;

/// <summary>Port: which servers a composite is made of. Answered from memory once asked.</summary>
public interface IComposites
{
    /// <summary>Ids of servers or catalog entries, in the manifest's order; null when the server is no composite, or none at all.</summary>
    ValueTask<IReadOnlyList<string>?> ComponentsOf(string serverId, CancellationToken cancellationToken);
}
