using System.Net.Http.Headers;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Forwarding;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>What the guard itself says to the server within a call: with the credentials of its caller and nobody else's headers.</summary>
internal sealed class UpstreamHttp(Upstream upstream)
{
    public Task<HttpResponseMessage> PostAsync(GuardCall call, ReadOnlyMemory<byte> message, string? session, string? version, CancellationToken cancellationToken, params (string Name, string Value)[] headers)
    {
        var request = Request(HttpMethod.Post, call, session, version);
        request.Content = new ReadOnlyMemoryContent(message);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return upstream.Client.SendAsync(request, cancellationToken);
    }

    public Task<HttpResponseMessage> GetAsync(GuardCall call, string? session, string version, CancellationToken cancellationToken)
    {
        var request = Request(HttpMethod.Get, call, session, version);
        request.Headers.Accept.ParseAdd("text/event-stream");
        return upstream.Client.SendAsync(request, cancellationToken);
    }

    private HttpRequestMessage Request(HttpMethod method, GuardCall call, string? session, string? version)
    {
        var request = new HttpRequestMessage(method, upstream.Endpoint);
        var headers = request.Headers;
        Add(headers, McpHeaders.SessionId, session);
        Add(headers, McpHeaders.ProtocolVersion, version);
        if (call.Credentials is { } credentials)
        {
            UpstreamForwarder.Inject(headers, credentials);
        }

        if (upstream.Secret is { } secret)
        {
            Add(headers, ObotHeaders.BridgeSecret, secret);
            Add(headers, ObotHeaders.Principal, call.Caller!.PrincipalKey);
        }

        return request;
    }

    private static void Add(HttpRequestHeaders headers, string name, string? value)
    {
        if (value is not null)
        {
            headers.TryAddWithoutValidation(name, value);
        }
    }
}
