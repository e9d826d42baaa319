using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Grains.Filters;

/// <summary>
/// One MCP client per filter server and silo, kept for as long as the server's generation lives. It calls past the server's own guard, which
/// authorizes and records like any other call.
/// </summary>
internal sealed partial class FilterServers(IAssertionIssuer assertions, TimeProvider time, ILogger<FilterServers> logger) : IFilterServers, IAsyncDisposable
{
    private const int MaxClients = 100;
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<(McpInstanceId Instance, string GuardUrl), Lazy<Task<McpClient>>> clients = new();

    public async Task<FilterServerAnswer> Ask(FilterServer server, string guardUrl, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var connecting = ClientOf(server, guardUrl);
            try
            {
                var client = await connecting.Value.WaitAsync(cancellationToken);
                return Read(await client.CallToolAsync(Call(server.ToolName, message), cancellationToken));
            }
            catch (McpProtocolException e)
            {
                throw new ServerUnavailableException($"The filter's tool '{server.ToolName}' cannot be called: {e.Message}");
            }
            catch (Exception e) when (e is not (OperationCanceledException or ServerUnavailableException))
            {
                // a session of an earlier life, or a server that was just replaced: a new client finds out
                await ForgetAsync((server.Instance, guardUrl), connecting);
                if (attempt == 2)
                {
                    throw new ServerUnavailableException($"The filter's server did not answer: {e.Message}");
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (key, connecting) in clients)
        {
            await ForgetAsync(key, connecting);
        }
    }

    /// <summary>The tool takes what it answers, with the message as it is.</summary>
    private static CallToolRequestParams Call(string tool, ReadOnlyMemory<byte> message) => new()
    {
        Name = tool,
        Arguments = new Dictionary<string, JsonElement>(StringComparer.Ordinal)
        {
            ["accept"] = JsonElement.Parse("true"u8),
            ["mutated"] = JsonElement.Parse("false"u8),
            ["message"] = JsonElement.Parse(message.Span),
            ["reason"] = JsonElement.Parse("\"\""u8),
        },
    };

    private static FilterServerAnswer Read(CallToolResult result)
    {
        var text = string.Concat(result.Content.OfType<TextContentBlock>().Select(block => block.Text));
        return result switch
        {
            { IsError: true } => throw new ServerUnavailableException($"The filter's tool failed: {text[..Math.Min(500, text.Length)]}"),
            { StructuredContent: { ValueKind: JsonValueKind.Object } structured } => new(structured.GetRawText()),
            _ => new(text),
        };
    }

    private Lazy<Task<McpClient>> ClientOf(FilterServer server, string guardUrl)
    {
        foreach (var (key, old) in clients)
        {
            // an earlier generation of the same server, or more than anybody needs
            if ((key.Instance == server.Instance && key.GuardUrl != guardUrl) || clients.Count > MaxClients)
            {
                _ = ForgetAsync(key, old);
            }
        }

        return clients.GetOrAdd((server.Instance, guardUrl), key => new(() => ConnectAsync(server, key.GuardUrl)));
    }

    private async Task<McpClient> ConnectAsync(FilterServer server, string guardUrl)
    {
        using var limit = new CancellationTokenSource(ConnectLimit, time);
        var http = new HttpClient(new AssertingHandler(assertions, server, time)) { Timeout = Timeout.InfiniteTimeSpan };
        // no stream of its own: the client asks for one again without a pause when its guard is gone
        var transport = new HttpClientTransport(
            new HttpClientTransportOptions { Endpoint = new Uri(guardUrl.TrimEnd('/') + "/mcp"), TransportMode = HttpTransportMode.StreamableHttp, EnableStandaloneGetStream = false }, http, ownsHttpClient: true);
        var client = await McpClient.CreateAsync(transport, cancellationToken: limit.Token);
        LogConnected(server.Instance);
        return client;
    }

    private async Task ForgetAsync((McpInstanceId, string) key, Lazy<Task<McpClient>> connecting)
    {
        if (!clients.TryRemove(new(key, connecting)) || !connecting.IsValueCreated)
        {
            return;
        }

        try
        {
            await (await connecting.Value).DisposeAsync();
        }
        catch (Exception e)
        {
            LogForgotten(e.Message);
        }
    }

    [LoggerMessage(LogLevel.Debug, "Connected to the filter server {Instance}")]
    private partial void LogConnected(McpInstanceId instance);

    [LoggerMessage(LogLevel.Debug, "A filter server's client ended: {Reason}")]
    private partial void LogForgotten(string reason);

    /// <summary>An assertion lives shorter than a client.</summary>
    private sealed class AssertingHandler(IAssertionIssuer assertions, FilterServer server, TimeProvider time)
        : DelegatingHandler(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30) })
    {
        private volatile Assertion? current;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var assertion = current is { } known && known.RenewAt > time.GetUtcNow() ? known : current = assertions.Issue(server.Caller, server.Instance);
            request.Headers.Remove(ObotHeaders.Assertion);
            request.Headers.TryAddWithoutValidation(ObotHeaders.Assertion, assertion.Token);
            if (!request.Headers.Contains(ObotHeaders.Instance))
            {
                request.Headers.TryAddWithoutValidation(ObotHeaders.Instance, server.Instance.ToString());
            }

            return base.SendAsync(request, cancellationToken);
        }
    }
}
