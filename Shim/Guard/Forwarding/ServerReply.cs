using System.Net.Http.Headers;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Guard.Forwarding;

/// <summary>An answer to something that the server asked within a call, in the client's place.</summary>
internal static class ServerReply
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A server that does not take it finds out by itself that nobody answers.</summary>
    public static async Task SendAsync(Upstream upstream, GuardCall call, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, upstream.Endpoint) { Content = new ReadOnlyMemoryContent(message) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var headers = request.Headers;
        headers.Accept.ParseAdd("application/json, text/event-stream");
        if (call.UpstreamSession is { Length: > 0 } session)
        {
            headers.TryAddWithoutValidation(McpHeaders.SessionId, session);
        }

        if (call.Context.Request.Headers.TryGetValue(McpHeaders.ProtocolVersion, out var version))
        {
            headers.TryAddWithoutValidation(McpHeaders.ProtocolVersion, version.ToString());
        }

        if (call.Credentials is { } credentials)
        {
            UpstreamForwarder.Inject(headers, credentials);
        }

        if (upstream.Secret is { } secret)
        {
            headers.TryAddWithoutValidation(ObotHeaders.BridgeSecret, secret);
            headers.TryAddWithoutValidation(ObotHeaders.Principal, call.Caller!.PrincipalKey);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            using var response = await upstream.Client.SendAsync(request, limit.Token);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // then it does not hear of it
        }
    }
}
