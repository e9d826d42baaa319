using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Obot.SystemTests.Rig;

/// <summary>The C# SDK's client, over streamable HTTP or through mcp-remote.</summary>
internal static class TypedClient
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static IClientTransport Http(Uri url, string token) => new HttpClientTransport(new HttpClientTransportOptions
    {
        Endpoint = url,
        TransportMode = HttpTransportMode.StreamableHttp,
        AdditionalHeaders = new Dictionary<string, string>(StringComparer.Ordinal) { ["Authorization"] = $"Bearer {token}" },
    });

    /// <param name="folder">Where mcp-remote keeps what it knows of a server.</param>
    public static IClientTransport McpRemote(Uri url, string token, string folder) => new StdioClientTransport(new StdioClientTransportOptions
    {
        Name = "mcp-remote",
        Command = Npm.Command("mcp-remote"),
        Arguments = [url.ToString(), "--transport", "http-only", "--header", $"Authorization: Bearer {token}"],
        EnvironmentVariables = new Dictionary<string, string?>(StringComparer.Ordinal) { ["MCP_REMOTE_CONFIG_DIR"] = folder },
    });

    /// <summary>mcp-remote without a token: it registers and opens a browser.</summary>
    public static IClientTransport McpRemote(Uri url, IReadOnlyDictionary<string, string> environment) => new StdioClientTransport(new StdioClientTransportOptions
    {
        Name = "mcp-remote",
        Command = Npm.Command("mcp-remote"),
        Arguments = [url.ToString(), $"{ObotCluster.FreePort()}", "--transport", "http-only"],
        EnvironmentVariables = environment.ToDictionary(pair => pair.Key, pair => (string?)pair.Value, StringComparer.Ordinal),
    });

    /// <summary>The client's own OAuth, with a person who says yes.</summary>
    public static IClientTransport OAuth(Uri url, Visitor person) => new HttpClientTransport(new HttpClientTransportOptions
    {
        Endpoint = url,
        TransportMode = HttpTransportMode.StreamableHttp,
        OAuth = new()
        {
            RedirectUri = new Uri("http://127.0.0.1:39112/callback"),
            DynamicClientRegistration = new() { ClientName = "obot-tests-csharp" },
            AuthorizationCallbackHandler = async (context, _) =>
            {
                var answer = OAuthClient.Query(await person.AgreeAsync(context.AuthorizationUri));
                return new() { Code = answer["code"], State = answer.GetValueOrDefault("state"), Iss = answer["iss"] };
            },
        },
    });

    /// <summary>Connects, finds <c>echo</c> among the tools, and returns what it answers.</summary>
    public static async Task<string> EchoAsync(IClientTransport transport, string message)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Limit);
        await using var client = await McpClient.CreateAsync(transport, cancellationToken: patience.Token);
        var tools = await client.ListToolsAsync(cancellationToken: patience.Token);
        Assert.Contains(tools, tool => tool.Name is "echo");
        var arguments = new Dictionary<string, object?>(StringComparer.Ordinal) { ["message"] = message };
        var result = await client.CallToolAsync("echo", arguments, cancellationToken: patience.Token);
        return Assert.IsType<TextContentBlock>(result.Content[0]).Text;
    }
}
