using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Obot.SystemTests.Rig;

/// <summary>One answer: the status, the session of its header, the response with our id, and what came before it on the stream.</summary>
internal sealed record McpAnswer(int Status, string? Session, string? ContentType, JsonNode? Message, IReadOnlyList<JsonNode> Before)
{
    public JsonNode? Result => Message?["result"];

    public JsonNode? Error => Message?["error"];

    /// <summary>Text of the first content block of a tool's result; throws on an error.</summary>
    public string Text => Result?["content"]?[0]?["text"]?.GetValue<string>() ?? throw new InvalidDataException(ToString());

    public override string ToString() => $"{Status} {ContentType} {Message?.ToJsonString()}"[..Math.Min(2000, $"{Status} {ContentType} {Message?.ToJsonString()}".Length)];
}

/// <summary>JSON-RPC over streamable HTTP without a library in between, for tests that need every byte.</summary>
internal sealed class McpHttp(Uri url, string? token) : IDisposable
{
    public const string Legacy = "2025-11-25";
    public const string Modern = "2026-07-28";
    private const string MetaPrefix = "io.modelcontextprotocol/";
    private static int lastId;

    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false }) { Timeout = TimeSpan.FromMinutes(10) };

    public Uri Url => url;

    /// <summary>A call in the legacy era; without a session it has neither session nor version header.</summary>
    public Task<McpAnswer> CallAsync(string method, JsonObject? parameters = null, string? session = null, CancellationToken cancellationToken = default) =>
        SendAsync(LegacyRequest(method, parameters, session), cancellationToken);

    public Task<McpAnswer> ToolAsync(string name, JsonObject? arguments = null, string? session = null, CancellationToken cancellationToken = default) =>
        CallAsync("tools/call", new JsonObject { ["name"] = name, ["arguments"] = arguments ?? [] }, session, cancellationToken);

    /// <summary>A call of the modern era, with the headers and <c>_meta</c> that it wants.</summary>
    public Task<McpAnswer> ModernAsync(string method, JsonObject? parameters = null, CancellationToken cancellationToken = default) =>
        SendAsync(ModernRequest(method, parameters), cancellationToken);

    public Task<McpAnswer> ModernToolAsync(string name, JsonObject? arguments = null, CancellationToken cancellationToken = default) =>
        ModernAsync("tools/call", new JsonObject { ["name"] = name, ["arguments"] = arguments ?? [] }, cancellationToken);

    /// <summary>Opens a legacy session and returns its id (null from a server without sessions).</summary>
    public async Task<string?> InitializeAsync(CancellationToken cancellationToken = default)
    {
        var answer = await CallAsync("initialize", new JsonObject
        {
            ["protocolVersion"] = Legacy,
            ["capabilities"] = new JsonObject(),
            ["clientInfo"] = new JsonObject { ["name"] = "obot-tests-raw", ["version"] = "1.0.0" },
        }, cancellationToken: cancellationToken);
        if (answer.Result is null)
        {
            throw new InvalidDataException($"initialize: {answer}");
        }

        using var initialized = Request(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = "notifications/initialized" });
        AddSession(initialized, answer.Session);
        using var accepted = await http.SendAsync(initialized, cancellationToken);
        return answer.Session;
    }

    public async Task<int> DeleteAsync(string session, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, url);
        Authorize(request);
        AddSession(request, session);
        using var response = await http.SendAsync(request, cancellationToken);
        return (int)response.StatusCode;
    }

    /// <summary>The session's GET stream; the caller disposes the response.</summary>
    public Task<HttpResponseMessage> ListenAsync(string session, string? lastEventId = null, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url);
        Authorize(request);
        AddSession(request, session);
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Sends a body exactly as it is.</summary>
    public async Task<(int Status, string Body)> PostAsync(string body, CancellationToken cancellationToken = default)
    {
        using var request = Request(body);
        using var response = await http.SendAsync(request, cancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    public async Task<McpAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken = default)
    {
        using var sent = request;
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        var session = response.Headers.TryGetValues("Mcp-Session-Id", out var values) ? values.First() : null;
        var type = response.Content.Headers.ContentType?.MediaType;
        var before = new List<JsonNode>();
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        if (type is not "text/event-stream")
        {
            using var reader = new StreamReader(body, Encoding.UTF8);
            return new McpAnswer((int)response.StatusCode, session, type, Parse(await reader.ReadToEndAsync(cancellationToken)), before);
        }

        await foreach (var item in SseParser.Create(body).EnumerateAsync(cancellationToken))
        {
            if (Parse(item.Data) is not { } message)
            {
                continue;
            }

            if (message["method"] is null && message["id"] is not null)
            {
                return new McpAnswer((int)response.StatusCode, session, type, message, before);
            }

            before.Add(message);
        }

        return new McpAnswer((int)response.StatusCode, session, type, Message: null, before);
    }

    public HttpRequestMessage LegacyRequest(string method, JsonObject? parameters = null, string? session = null)
    {
        var request = Request(Message(method, parameters));
        AddSession(request, session);
        return request;
    }

    public HttpRequestMessage ModernRequest(string method, JsonObject? parameters = null)
    {
        parameters ??= [];
        var meta = parameters["_meta"] as JsonObject ?? [];
        meta[MetaPrefix + "protocolVersion"] = Modern;
        meta[MetaPrefix + "clientInfo"] = new JsonObject { ["name"] = "obot-tests-raw", ["version"] = "1.0.0" };
        meta[MetaPrefix + "clientCapabilities"] ??= new JsonObject();
        parameters["_meta"] = meta;
        var request = Request(Message(method, parameters));
        request.Headers.Add("MCP-Protocol-Version", Modern);
        request.Headers.Add("Mcp-Method", method);
        if ((parameters["name"] ?? parameters["uri"] ?? parameters["taskId"])?.GetValue<string>() is { } name)
        {
            request.Headers.Add("Mcp-Name", name);
        }

        return request;
    }

    public void Dispose() => http.Dispose();

    private static JsonObject Message(string method, JsonObject? parameters) =>
        new() { ["jsonrpc"] = "2.0", ["id"] = Interlocked.Increment(ref lastId), ["method"] = method, ["params"] = parameters ?? [] };

    private static void AddSession(HttpRequestMessage request, string? session)
    {
        if (session is not null)
        {
            request.Headers.Add("Mcp-Session-Id", session);
            request.Headers.Add("MCP-Protocol-Version", Legacy);
        }
    }

    private static JsonNode? Parse(string text)
    {
        try
        {
            return string.IsNullOrWhiteSpace(text) ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private HttpRequestMessage Request(JsonObject body) => Request(body.ToJsonString());

    private HttpRequestMessage Request(string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        Authorize(request);
        return request;
    }

    private void Authorize(HttpRequestMessage request)
    {
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }
}
