using System.Net;
using System.Net.Sockets;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.HttpSse;

namespace Obot.Shim.Guard.Forwarding;

/// <summary>The MCP server behind this guard: a bridge on a Unix socket, or an HTTP endpoint.</summary>
internal sealed class Upstream : IDisposable
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(3);

    private readonly GuardUpstream upstream;

    /// <param name="own">Answers in this process, instead of a server elsewhere.</param>
    public Upstream(GuardUpstream upstream, TimeProvider time, HttpMessageHandler? own = null)
    {
        this.upstream = upstream;
        Endpoint = new(upstream.Url ?? "http://bridge/mcp");
        Origin = Endpoint.GetLeftPart(UriPartial.Authority);
        var sockets = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            ConnectCallback = upstream.Socket is { } path ? (_, cancellationToken) => ConnectAsync(path, cancellationToken) : null,
        };
        Client = new(own ?? (upstream.Url is null ? sockets : new HttpSseHandler(sockets, Endpoint, time)));
    }

    public HttpMessageInvoker Client { get; }

    public Uri Endpoint { get; }

    /// <summary>Scheme and authority of <see cref="Endpoint"/>.</summary>
    public string Origin { get; }

    /// <summary>Is it ours, so that its death ends this generation?</summary>
    public bool IsBridge => upstream.Socket is not null;

    /// <summary>Is it made of others, which have to be told for whom they are called?</summary>
    public bool IsComposite => upstream.Composite is not null;

    public string? Secret => upstream.Secret;

    /// <summary>Null when a bridge answers; a remote server is not asked, it has its own life.</summary>
    public async Task<string?> ProbeAsync(CancellationToken cancellationToken)
    {
        if (!IsBridge)
        {
            return null;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ProbeTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("http://bridge/healthz"));
            request.Headers.TryAddWithoutValidation(ObotHeaders.BridgeSecret, Secret);
            using var response = await Client.SendAsync(request, limit.Token);
            return response.IsSuccessStatusCode ? null : $"the bridge answers {(int)response.StatusCode}";
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return $"the bridge does not answer: {e.Message}";
        }
    }

    public void Dispose() => Client.Dispose();

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
