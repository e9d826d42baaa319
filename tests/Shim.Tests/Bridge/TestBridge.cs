using System.IO.Pipelines;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Obot.Shim.Bridge;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Tests.Bridge;

/// <summary>
/// A bridge in this process over a script of <c>Servers/</c>. The scripts run under a stand-in named <c>uvx</c> which hands its
/// first argument to node: uv itself is in no registry that the tests can reach.
/// </summary>
internal sealed class TestBridge : IAsyncDisposable
{
    public const string Secret = "the secret";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly Lazy<string> StandIn = new(MakeStandIn);

    private readonly Pipe input = new();
    private readonly Pipe output = new();
    private readonly Channel<ShimEvent> events = Channel.CreateUnbounded<ShimEvent>();
    private readonly HttpClient http;

    private TestBridge(BridgeBoot boot)
    {
        Boot = boot;
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(boot.Socket!), token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        }) { BaseAddress = new Uri("http://bridge/"), Timeout = Patience };
        Completion = Task.Run(() => BridgeHost.RunAsync(input.Reader.AsStream(), output.Writer.AsStream(), TimeProvider.System));
        _ = Task.Run(ReadEventsAsync);
    }

    public BridgeBoot Boot { get; }

    /// <summary>The exit code.</summary>
    public Task<int> Completion { get; }

    public static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Servers", name);

    public static BridgeBoot BootOf(string mode, BridgeLimits? limits = null)
    {
        _ = StandIn.Value;
        var folder = Directory.CreateTempSubdirectory("obot-bridge-").FullName;
        return new BridgeBoot
        {
            Socket = Path.Combine(folder, "bridge.sock"),
            Secret = Secret,
            WorkingDirectory = folder,
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["SERVER_KEY"] = "of the manifest" },
            Limits = limits ?? new BridgeLimits(),
            Command = new BridgeCommand { Runtime = "uvx", Package = Script("server.mjs"), Arguments = [mode], PackageCache = Path.Combine(folder, "cache") },
        };
    }

    public static TestBridge Start(BridgeBoot boot)
    {
        var bridge = new TestBridge(boot);
        var line = JsonSerializer.Serialize(boot, ShimJson.Default.BridgeBoot) + "\n";
        bridge.input.Writer.AsStream(leaveOpen: true).Write(Encoding.UTF8.GetBytes(line));
        return bridge;
    }

    public static async Task<TestBridge> ReadyAsync(string mode, BridgeLimits? limits = null)
    {
        var bridge = Start(BootOf(mode, limits));
        var first = await bridge.NextAsync(ShimEvent.Ready, ShimEvent.Failed);
        Assert.True(first.Event == ShimEvent.Ready, first.Reason);
        return bridge;
    }

    public async Task<ShimEvent> NextAsync(params string[] kinds)
    {
        using var timeout = new CancellationTokenSource(Patience);
        while (true)
        {
            var next = await events.Reader.ReadAsync(timeout.Token);
            if (kinds.Contains(next.Event))
            {
                return next;
            }
        }
    }

    /// <summary>The end of the lifetime pipe.</summary>
    public void CloseLifetimePipe() => input.Writer.Complete();

    public static HttpRequestMessage Request(HttpMethod method, string? body = null, string principal = "alice", string? session = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, "mcp");
        request.Headers.Add(ObotHeaders.BridgeSecret, Secret);
        request.Headers.Add(ObotHeaders.Principal, principal);
        request.Headers.Add("Accept", "application/json, text/event-stream");
        if (session is not null)
        {
            request.Headers.Add(McpHeaders.SessionId, session);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        return request;
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken = default) =>
        http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    public async Task<Reply> PostAsync(string body, string principal = "alice", string? session = null, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(Request(HttpMethod.Post, body, principal, session, headers));
        return await Reply.ReadAsync(response);
    }

    /// <summary>A call of one of the script's tools.</summary>
    public Task<Reply> CallAsync(string tool, string arguments = "{}", string id = "1", string principal = "alice", string? session = null, string? meta = null) =>
        PostAsync(ToolCall(tool, arguments, id, meta), principal, session);

    public Task<Reply> CallModernAsync(string tool, string arguments = "{}", string id = "1", string principal = "alice", params (string Name, string Value)[] headers) =>
        PostAsync(ToolCall(tool, arguments, id, ModernMeta), principal, session: null, [.. ModernHeaders("tools/call", tool), .. headers]);

    /// <summary>A modern request with an arbitrary <c>params</c> object.</summary>
    public Task<Reply> RequestModernAsync(string method, string parameters, string? name = null) =>
        PostAsync($$"""{"jsonrpc":"2.0","id":1,"method":"{{method}}","params":{{parameters}} }""", "alice", null, ModernHeaders(method, name));

    internal const string ModernMeta = """{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}""";

    public static (string, string)[] ModernHeaders(string method, string? name = null) =>
    [
        (McpHeaders.ProtocolVersion, McpVersions.Modern), (McpHeaders.Method, method), .. name is null ? Array.Empty<(string, string)>() : [(McpHeaders.Name, name)],
    ];

    public static string ToolCall(string tool, string arguments = "{}", string id = "1", string? meta = null) =>
        $$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"tools/call","params":{"name":"{{{tool}}}","arguments":{{{arguments}}} """
        + (meta is null ? "}}" : $",\"_meta\":{meta}}}}}");

    /// <summary>A session of its own.</summary>
    public async Task<string> InitializeAsync(string principal = "alice")
    {
        var reply = await PostAsync(
            """{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""", principal);
        Assert.Equal(200, reply.Status);
        Assert.Equal("init", reply.Last.GetProperty("id").GetString());
        var initialized = await PostAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""", principal, reply.Session);
        Assert.Equal(202, initialized.Status);
        return reply.Session!;
    }

    public async ValueTask DisposeAsync()
    {
        CloseLifetimePipe();
        await Completion.WaitAsync(Patience);
        http.Dispose();
        Directory.Delete(Boot.WorkingDirectory, recursive: true);
    }

    private async Task ReadEventsAsync()
    {
        using var reader = new StreamReader(output.Reader.AsStream());
        while (await reader.ReadLineAsync() is { } line)
        {
            events.Writer.TryWrite(JsonSerializer.Deserialize(line, ShimJson.Default.ShimEvent)!);
        }
    }

    private static string MakeStandIn()
    {
        var folder = Directory.CreateTempSubdirectory("obot-uvx-").FullName;
        var file = Path.Combine(folder, "uvx");
        File.WriteAllText(file, "#!/bin/sh\nexec node \"$@\"\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}");
        return file;
    }
}

/// <summary>A response with all of its messages, JSON or server-sent events.</summary>
internal sealed record Reply(int Status, string? MediaType, string? Session, IReadOnlyList<JsonElement> Messages, string Text)
{
    public JsonElement Last => Messages[^1];

    /// <summary>Text of a tool's result.</summary>
    public string Result => Last.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString()!;

    public int ErrorCode => Last.GetProperty("error").GetProperty("code").GetInt32();

    public string ErrorMessage => Last.GetProperty("error").GetProperty("message").GetString()!;

    public static async Task<Reply> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        var type = response.Content.Headers.ContentType?.MediaType;
        var messages = type switch
        {
            "application/json" => [Parse(text)],
            "text/event-stream" => text.Split('\n').Where(l => l.StartsWith("data: ", StringComparison.Ordinal)).Select(l => Parse(l[6..])).ToList(),
            _ => new List<JsonElement>(),
        };
        return new Reply((int)response.StatusCode, type, response.Headers.TryGetValues(McpHeaders.SessionId, out var ids) ? ids.Single() : null, messages, text);
    }

    public static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
