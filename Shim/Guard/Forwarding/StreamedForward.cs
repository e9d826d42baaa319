using System.Net;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Lists;
using Obot.Shim.Guard.Sessions;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Forwarding;

/// <summary>Sends a call whose answer has begun already, and passes on what comes back, past the same filters as any other answer.</summary>
internal static class StreamedForward
{
    public static async Task SendAsync(Upstream upstream, LegacySessions sessions, GuardLimits limits, GuardCall call, EventAnswer events, byte[] body)
    {
        var aborted = call.Context.RequestAborted;
        var version = call.Context.Request.Headers[McpHeaders.ProtocolVersion].ToString();
        try
        {
            using var request = sessions.Request(call, body, call.UpstreamSession, version);
            using var response = await upstream.Client.SendAsync(request, aborted);
            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                call.Denial = new((int)response.StatusCode, null);
                return;
            }

            if (response.Content.Headers.ContentType?.MediaType is "text/event-stream")
            {
                await using var stream = await response.Content.ReadAsStreamAsync(aborted);
                await new EventStreamFilter(ScreenAsync, limits.MaxListBytes).CopyAsync(stream, events.Body, TimeSpan.FromSeconds(limits.CallTimeoutSeconds), aborted);
                return;
            }

            await response.Content.LoadIntoBufferAsync(limits.MaxListBytes, aborted);
            var message = await response.Content.ReadAsByteArrayAsync(aborted);
            await events.WriteAsync(EnvelopeReader.Read(message).Kind is EnvelopeKind.Response && await ScreenAsync(message) is { } shown
                ? shown
                : Error(call, $"the server answered HTTP {(int)response.StatusCode}"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnfilterableException)
        {
            await events.WriteAsync(Error(call, $"the server's answer cannot be passed on: {e.Message}"));
        }

        ValueTask<ReadOnlyMemory<byte>?> ScreenAsync(ReadOnlyMemory<byte> message) =>
            FilteredAnswer.ScreenAsync(call, message, reply => ServerReply.SendAsync(upstream, call, reply, aborted));
    }

    private static byte[] Error(GuardCall call, string message) => JsonRpcError.Write(call.Id.Span, McpErrorCodes.Refused, message);
}
