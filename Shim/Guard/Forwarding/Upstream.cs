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
            ConnectCallback = (context, cancellationToken) => upstream.Socket is { } path ? ConnectAsync(path, cancellationToken) : Addressed.ConnectAsync(context.DnsEndPoint, cancellationToken),
        };
        Client = new(own ?? (upstream.Url is null ? sockets : new HttpSseHandler(sockets, Endpoint, time)));
    }

    public HttpMessageInvoker Client { get; }

    public Uri Endpoint { get; }

    /// <summary>Scheme and authority of <see cref="Endpoint"/>.</summary>
    public string Origin { get; }

    /// <summary>Is it ours, so that its death ends this generation?</summary>
    public bool IsHosted => upstream.Hosted || upstream.Socket is not null;

    /// <summary>Is it made of others, which have to be told for whom they are called?</summary>
    public bool IsComposite => upstream.Composite is not null;

    public string? Secret => upstream.Secret;

    /// <summary>Null when a hosted server answers; a remote one is not asked, it has its own life.</summary>
    public async Task<string?> ProbeAsync(CancellationToken cancellationToken)
    {
        if (!IsHosted)
        {
            return null;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ProbeTimeout);
        try
        {
            if (Secret is null)
            {
                return await ProbeServerAsync(limit.Token);
            }

            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Origin + "/healthz"));
            request.Headers.TryAddWithoutValidation(ObotHeaders.BridgeSecret, Secret);
            using var response = await Client.SendAsync(request, limit.Token);
            return response.IsSuccessStatusCode ? null : $"the bridge answers {(int)response.StatusCode}";
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return Secret is null
                ? e is HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } }
                    ? $"nothing listens on port {Endpoint.Port} of the server"
                    : $"the server does not answer at port {Endpoint.Port}: {e.Message}"
                : $"the bridge does not answer: {e.Message}";
        }
    }

    /// <summary>Headers are enough: a body may be a stream without end.</summary>
    private async Task<string?> ProbeServerAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, upstream.HealthUrl is { } health ? new Uri(health) : Endpoint);
        using var response = await Client.SendAsync(request, cancellationToken);
        return (upstream.HealthUrl is null ? (int)response.StatusCode < 500 : response.IsSuccessStatusCode)
            ? null
            : $"the server answers {(int)response.StatusCode} at {request.RequestUri!.AbsolutePath}";
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
