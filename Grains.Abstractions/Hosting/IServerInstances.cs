namespace Obot.Grains.Abstractions.Hosting;

/// <summary>Port: the index of instances, so that a change of a server reaches all of them.</summary>
public interface IServerInstances
{
    /// <summary>
    /// Notes an instance before its first generation is started; repeating it costs one statement and changes nothing.
    /// </summary>
    /// <returns>False when its server does not exist (any more): it must not be started.</returns>
    Task<bool> Record(McpInstanceId instance, CancellationToken cancellationToken);

    /// <summary>Every recorded instance of a server.</summary>
    Task<IReadOnlyList<McpInstanceId>> Of(string serverId, CancellationToken cancellationToken);
}
