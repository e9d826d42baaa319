using System.Collections.Concurrent;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Conversations.Running;

/// <summary>MCP servers, each a client of the gateway's door as its user.</summary>
/// <param name="handlers">Who answers what a server asks, by the server's name; null where nothing is to be asked.</param>
internal sealed class Connectors(GatewayDoor door, IMcpServers servers, Principal caller, Func<string, McpClientHandlers>? handlers, TimeProvider time) : IAsyncDisposable
{
    /// <summary>A server that has to be started first takes its time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Each from the moment it is made: whoever stops while others connect leaves none behind.</summary>
    private readonly ConcurrentBag<McpClient> _clients = [];

    /// <summary>Server id → why its tools are missing.</summary>
    public IReadOnlyDictionary<string, string> Missing { get; private set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public async Task<IReadOnlyList<OfferedTool>> ConnectAsync(IReadOnlyList<string> serverIds, CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(serverIds.Distinct(StringComparer.Ordinal).Select(id => ConnectAsync(id, cancellationToken)));
        var missing = new Dictionary<string, string>(StringComparer.Ordinal);
        var tools = new Dictionary<string, OfferedTool>(StringComparer.Ordinal);
        foreach (var (id, name, _, listed, trouble) in answers)
        {
            if (trouble is not null)
            {
                missing[id] = $"{name} is not available: {trouble}";
                continue;
            }

            foreach (var tool in listed)
            {
                var offered = OfferedTool.NameOf(name, tool.Name, tools.Keys);
                tools[offered] = new(offered, id, name, tool);
            }
        }

        Missing = missing;
        return [.. tools.Values];
    }

    /// <exception cref="ServerUnavailableException">It is not there, not for the caller, or does not answer.</exception>
    public async Task<McpClient> OpenAsync(string serverId, CancellationToken cancellationToken)
    {
        var (_, name, client, _, trouble) = await ConnectAsync(serverId, cancellationToken);
        return client ?? throw new ServerUnavailableException($"{name} is not available: {trouble}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }
    }

    private async Task<(string Id, string Name, McpClient? Client, IList<McpClientTool> Tools, string? Trouble)> ConnectAsync(string id, CancellationToken cancellationToken)
    {
        var name = id;
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            if (await servers.Find(caller, id, both.Token) is not { } server)
            {
                return (id, name, null, [], "there is no such server, or no access rule opens it to you.");
            }

            name = server.Manifest.Name ?? id;
            var client = await McpClient.CreateAsync(
                door.Server(caller.UserId, id),
                new McpClientOptions { ClientInfo = new Implementation { Name = "obot-chat", Version = "1.0" }, Handlers = handlers?.Invoke(name) ?? new(), InitializationTimeout = Patience },
                cancellationToken: both.Token);
            _clients.Add(client);
            return (id, name, client, await client.ListToolsAsync(cancellationToken: both.Token), null);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return (id, name, null, [], e is OperationCanceledException ? $"it did not answer within {Patience.TotalSeconds:0} s." : RunWords.Of(e));
        }
    }
}
