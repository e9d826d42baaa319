using ModelContextProtocol.Client;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Grains.Hosting;

/// <summary>Lists the tools of a running instance through its guard, as the caller, so that the guard decides what is seen.</summary>
internal sealed class ServerTools(IAssertionIssuer assertions, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Guards are neighbours: never through a proxy of the environment.</summary>
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <exception cref="ServerUnavailableException">It did not answer, or not in MCP.</exception>
    public async Task<IReadOnlyList<ToolView>> ListAsync(Principal caller, McpInstanceId instance, string guardUrl, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var transport = new HttpClientTransport(
                new HttpClientTransportOptions
                {
                    Endpoint = new Uri(guardUrl.TrimEnd('/') + "/mcp"),
                    TransportMode = HttpTransportMode.StreamableHttp,
                    EnableStandaloneGetStream = false,
                    AdditionalHeaders = new Dictionary<string, string>(StringComparer.Ordinal)
                    {
                        [ObotHeaders.Instance] = instance.ToString(),
                        [ObotHeaders.Assertion] = assertions.Issue(caller, instance).Token,
                    },
                },
                _http);
            await using var client = await McpClient.CreateAsync(transport, cancellationToken: both.Token);
            var tools = await client.ListToolsAsync(cancellationToken: both.Token);
            return [.. tools.Select(tool => new ToolView(tool.Name, tool.Description, tool.JsonSchema))];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ServerUnavailableException($"The server did not list its tools within {Patience.TotalSeconds:0} s. Its log may say why.");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new ServerUnavailableException($"The server did not list its tools: {e.Message}");
        }
    }

    public void Dispose() => _http.Dispose();
}
