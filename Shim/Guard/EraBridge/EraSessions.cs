using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Exchange;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>A session at a legacy server that modern requests of one principal share.</summary>
/// <param name="Id">Null at a server without sessions.</param>
/// <param name="Version">What both sides agreed on.</param>
/// <param name="Result">Of <c>initialize</c>.</param>
internal sealed record LegacySession(string Key, string? Id, string Version, JsonElement Result)
{
    private long lastId;

    public long LastUsed { get; set; }

    public string? LogLevel { get; set; }

    public long NextId() => Interlocked.Increment(ref lastId);
}

/// <summary>
/// Sessions by principal and by what the client can do: a server asks only what was declared. Nobody ends them but time, because modern
/// clients do not say goodbye.
/// </summary>
internal sealed class EraSessions(UpstreamHttp http, TimeProvider time)
{
    private const int MaxSessions = 1000;
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(15);

    private readonly ConcurrentDictionary<string, Lazy<Task<LegacySession?>>> sessions = new(StringComparer.Ordinal);

    /// <summary>Null when the server denies the caller's credentials, which is on the call then.</summary>
    /// <exception cref="EraBridgeException">The server does not open a session.</exception>
    public async Task<LegacySession?> GetAsync(GuardCall call, JsonElement meta)
    {
        Forget();
        var (capabilities, client) = (Member(meta, "io.modelcontextprotocol/clientCapabilities") ?? "{}", Member(meta, "io.modelcontextprotocol/clientInfo") ?? """{"name":"unknown","version":"0"}""");
        var key = $"{call.Caller!.PrincipalKey} {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(capabilities)).AsSpan(0, 8))}";
        var opening = sessions.GetOrAdd(key, _ => new(() => OpenAsync(call, key, capabilities, client)));
        try
        {
            var session = await opening.Value.WaitAsync(call.Context.RequestAborted);
            if (session is null)
            {
                sessions.TryRemove(new(key, opening));
            }
            else
            {
                session.LastUsed = time.GetTimestamp();
            }

            return session;
        }
        catch (Exception) when (opening.Value.IsFaulted || opening.Value.IsCanceled)
        {
            sessions.TryRemove(new(key, opening));
            throw;
        }
    }

    /// <summary>The server does not know it any more.</summary>
    public void Forget(LegacySession session) => sessions.TryRemove(session.Key, out _);

    private void Forget()
    {
        foreach (var (key, opening) in sessions)
        {
            if (opening is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true, Result: { } session } } && (time.GetElapsedTime(session.LastUsed) > Idle || sessions.Count > MaxSessions))
            {
                sessions.TryRemove(new(key, opening));
            }
        }
    }

    private async Task<LegacySession?> OpenAsync(GuardCall call, string key, string capabilities, string client)
    {
        // for everybody who waits: not cancelled with the first of them
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30), time);
        var message = Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"{{{McpVersions.LatestLegacy}}}","capabilities":{{{capabilities}}},"clientInfo":{{{client}}}}}""");
        try
        {
            using var response = await http.PostAsync(call, message, null, null, limit.Token);
            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                call.Denial = new((int)response.StatusCode, response.Headers.WwwAuthenticate.FirstOrDefault()?.ToString());
                return null;
            }

            var answer = await UpstreamCall.ReadAnswerAsync(response, limit.Token);
            if (answer is not { Length: > 0 } bytes || Result(bytes) is not { } result)
            {
                throw new EraBridgeException($"the server speaks neither revision {McpVersions.Modern} nor an older one: it answered 'initialize' with HTTP {(int)response.StatusCode}");
            }

            var session = response.Headers.TryGetValues(McpHeaders.SessionId, out var ids) ? ids.First() : null;
            var version = result.TryGetProperty("protocolVersion", out var agreed) && agreed.ValueKind is JsonValueKind.String ? agreed.GetString()! : McpVersions.LatestLegacy;
            using var initialized = await http.PostAsync(call, """{"jsonrpc":"2.0","method":"notifications/initialized"}"""u8.ToArray(), session, version, limit.Token);
            return new(key, session, version, result) { LastUsed = time.GetTimestamp() };
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            throw new EraBridgeException($"the server did not open a session: {e.Message}");
        }
    }

    private static JsonElement? Result(ReadOnlyMemory<byte> message)
    {
        try
        {
            using var document = JsonDocument.Parse(message);
            return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty("result", out var result) && result.ValueKind is JsonValueKind.Object ? result.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Member(JsonElement meta, string name) => meta.ValueKind is JsonValueKind.Object && meta.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.Object ? member.GetRawText() : null;
}

/// <summary>Why two eras could not be brought together, for a person.</summary>
internal sealed class EraBridgeException(string message) : Exception(message);
