using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Forwarding;

namespace Obot.Shim.Guard.Sessions;

/// <summary>
/// Legacy sessions as clients know them. The id that a client holds outlives the server and the guard behind it: when the server does not
/// know the session any more, it is begun again with what the client said at its beginning, and goes on under the same id. Calls that
/// were in hand when the server died are lost, and were told so.
/// </summary>
/// <param name="recovers">False: the client is told that the session is gone (404), as servers do that keep something in it.</param>
internal sealed class LegacySessions(Upstream upstream, SessionSeal seal, bool recovers)
{
    private const int SessionNotFound = -32001;
    private const int MaxHello = 4096;
    private const int MaxRemembered = 20_000;
    private const long MaxAnswer = 4 * 1024 * 1024;

    private readonly string life = RandomNumberGenerator.GetHexString(8, lowercase: true);
    private readonly ConcurrentDictionary<string, Task<string?>> begunAgain = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> ended = new(StringComparer.Ordinal);

    /// <summary>Finds the server's session for the client's; refuses one that was made for somebody else as if it did not exist.</summary>
    public async Task OpenAsync(GuardCall call)
    {
        var header = call.Context.Request.Headers[McpHeaders.SessionId];
        if (header.Count == 0)
        {
            return;
        }

        var name = header[0]!;
        if (header.Count != 1 || seal.Read(name, call.Caller!.PrincipalKey) is not { } handle || ended.ContainsKey(name))
        {
            await RefuseAsync(call);
            return;
        }

        call.Session = new(name, handle);
        var isEnd = HttpMethods.IsDelete(call.Context.Request.Method);
        if (begunAgain.TryGetValue(name, out var again))
        {
            call.UpstreamSession = await again;
        }
        else if (handle.Upstream.Length == 0)
        {
            (call.UpstreamSession, call.SessionIsPromised) = ("", true);
        }
        else
        {
            // a bridge and its guard live and die together: what began in another life is not known here
            call.UpstreamSession = upstream.IsHosted && handle.Life != life && CanRecover(call) && !isEnd ? await BeginAgainAsync(call) : handle.Upstream;
        }

        if (call.UpstreamSession is null)
        {
            await RefuseAsync(call);
        }
        else if (isEnd)
        {
            Remember(ended, name, true);
        }
    }

    /// <summary>What the client is told as the id of its session.</summary>
    public string Show(GuardCall call, string session) => call switch
    {
        { Session: { } known } => known.Name,
        { Hello: { } hello } => seal.Seal(new SessionHandle(session, life, hello), call.Caller!.PrincipalKey),
        _ => seal.Seal(session, call.Caller!.PrincipalKey),
    };

    /// <summary>The id of a session that begins at the server when the first call can be made there.</summary>
    public string Promise(GuardCall call) => seal.Seal(new SessionHandle("", life, call.Hello!), call.Caller!.PrincipalKey);

    /// <summary>Did the server say that it does not know the session, and can it be begun again?</summary>
    public bool CanRecover(GuardCall call) => recovers && call.Session?.Handle.Hello is { Length: > 0 };

    /// <summary>Null when the server did not take it.</summary>
    public async Task<string?> BeginAgainAsync(GuardCall call)
    {
        var name = call.Session!.Name;
        var lost = call.UpstreamSession;
        if (begunAgain.TryGetValue(name, out var known) && (!known.IsCompleted || await known != lost))
        {
            return await known;
        }

        var beginning = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = known is null ? begunAgain.GetOrAdd(name, beginning.Task) : begunAgain.TryUpdate(name, beginning.Task, known) ? beginning.Task : begunAgain[name];
        if (first != beginning.Task)
        {
            return await first;
        }

        string? session = null;
        try
        {
            session = await HelloAsync(call, call.Session.Handle.Hello!, CancellationToken.None);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or OperationCanceledException)
        {
            // the client begins a new one itself
        }

        if (session is null)
        {
            begunAgain.TryRemove(new(name, beginning.Task));
        }

        beginning.SetResult(session);
        if (begunAgain.Count > MaxRemembered)
        {
            begunAgain.Clear();
        }

        return session;
    }

    /// <summary>The params of <c>initialize</c> as they go into a handle: all of them where they fit, else what counts.</summary>
    public static string? HelloOf(ReadOnlySpan<byte> message)
    {
        try
        {
            return Read(message);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            // such a session cannot be begun again, and that is all
            return null;
        }
    }

    private static string? Read(ReadOnlySpan<byte> message)
    {
        if (JsonNode.Parse(message)?["params"] is not JsonObject parameters)
        {
            return null;
        }

        parameters.Remove("_meta");
        var whole = parameters.ToJsonString();
        if (whole.Length <= MaxHello)
        {
            return whole;
        }

        var client = parameters["clientInfo"];
        var core = new JsonObject
        {
            ["protocolVersion"] = parameters["protocolVersion"]?.DeepClone(),
            ["capabilities"] = parameters["capabilities"]?.DeepClone(),
            ["clientInfo"] = new JsonObject { ["name"] = client?["name"]?.DeepClone(), ["version"] = client?["version"]?.DeepClone() },
        }.ToJsonString();
        return core.Length <= MaxHello ? core : null;
    }

    public static Task RefuseAsync(GuardCall call) => call.RefuseAsync(StatusCodes.Status404NotFound, SessionNotFound, "Session not found");

    private async Task<string?> HelloAsync(GuardCall call, string hello, CancellationToken cancellationToken)
    {
        var body = System.Text.Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":"obot-session","method":"initialize","params":{{hello}}}""");
        using var request = Request(call, body, session: null, version: null);
        using var response = await upstream.Client.SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        // the server has taken it when it has answered
        await response.Content.LoadIntoBufferAsync(MaxAnswer, cancellationToken);
        var session = response.Headers.TryGetValues(McpHeaders.SessionId, out var sessions) ? sessions.First() : "";
        var version = call.Context.Request.Headers[McpHeaders.ProtocolVersion].ToString();
        using var initialized = Request(call, """{"jsonrpc":"2.0","method":"notifications/initialized"}"""u8.ToArray(), session, version);
        using var accepted = await upstream.Client.SendAsync(initialized, cancellationToken);
        return accepted.IsSuccessStatusCode ? session : null;
    }

    /// <summary>A message that the guard sends in a session of its client's.</summary>
    public HttpRequestMessage Request(GuardCall call, byte[] body, string? session, string? version)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, upstream.Endpoint) { Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } } };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        if (!string.IsNullOrEmpty(session))
        {
            request.Headers.TryAddWithoutValidation(McpHeaders.SessionId, session);
        }

        if (!string.IsNullOrEmpty(version))
        {
            request.Headers.TryAddWithoutValidation(McpHeaders.ProtocolVersion, version);
        }

        if (call.Credentials is { } credentials)
        {
            UpstreamForwarder.Inject(request.Headers, credentials);
        }

        if (upstream.Secret is { } secret)
        {
            request.Headers.TryAddWithoutValidation(ObotHeaders.BridgeSecret, secret);
            request.Headers.TryAddWithoutValidation(ObotHeaders.Principal, call.Caller!.PrincipalKey);
        }

        return request;
    }

    private static void Remember<T>(ConcurrentDictionary<string, T> memory, string name, T value)
    {
        if (memory.Count >= MaxRemembered)
        {
            memory.Clear();
        }

        memory[name] = value;
    }
}

/// <param name="Name">As the client holds it.</param>
internal sealed record ClientSession(string Name, SessionHandle Handle);
