using System.Net;
using System.Text.Json;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Exchange;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>Whether the server speaks the modern era: asked by <c>server/discover</c> when somebody does, and kept for a while.</summary>
internal sealed class ServerEra(UpstreamHttp http, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(10);

    private static readonly byte[] Discover = """{"jsonrpc":"2.0","id":"obot","method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"obot","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"""u8.ToArray();

    private volatile Known? known;

    /// <summary>Null when it could not be asked: then it gets the call as it is. A denial of credentials is on the call.</summary>
    public async ValueTask<bool?> IsModernAsync(GuardCall call)
    {
        if (known is { } last && time.GetElapsedTime(last.At) < KeptFor)
        {
            return last.IsModern;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Context.RequestAborted);
        limit.CancelAfter(Patience);
        try
        {
            using var response = await http.PostAsync(
                call, Discover, null, McpVersions.Modern, limit.Token, (McpHeaders.Method, "server/discover"));
            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                call.Denial = new((int)response.StatusCode, response.Headers.WwwAuthenticate.FirstOrDefault()?.ToString());
                return null;
            }

            if ((int)response.StatusCode >= 500)
            {
                return null;
            }

            var message = await UpstreamCall.ReadAnswerAsync(response, limit.Token);
            known = new(message is not null && IsModern(message.Value), time.GetTimestamp());
            return known.IsModern;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !call.Context.RequestAborted.IsCancellationRequested))
        {
            return null;
        }
    }

    private static bool IsModern(ReadOnlyMemory<byte> message)
    {
        try
        {
            using var document = JsonDocument.Parse(message);
            var root = document.RootElement;
            return root.ValueKind is JsonValueKind.Object
                && ((root.TryGetProperty("result", out var result) && result.ValueKind is JsonValueKind.Object && result.TryGetProperty("supportedVersions", out var versions)
                        && versions.ValueKind is JsonValueKind.Array && versions.EnumerateArray().Any(version => version.ValueKind is JsonValueKind.String && McpVersions.IsModern(version.GetString())))
                    || (root.TryGetProperty("error", out var error) && error.ValueKind is JsonValueKind.Object && error.TryGetProperty("data", out var data)
                        && data.ValueKind is JsonValueKind.Object && data.TryGetProperty("supported", out var supported) && supported.ValueKind is JsonValueKind.Array
                        && supported.EnumerateArray().Any(version => version.ValueKind is JsonValueKind.String && McpVersions.IsModern(version.GetString()))));
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private sealed record Known(bool IsModern, long At);
}
