using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Outbound;

namespace Obot.Grains.Outbound;

/// <inheritdoc cref="IOutboundDocuments"/>
internal sealed class OutboundDocuments : IOutboundDocuments, IDisposable
{
    private readonly OutboundOptions options;
    private readonly HttpClient http;

    public OutboundDocuments(IOptions<OutboundOptions> options)
    {
        this.options = options.Value;
        http = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 16,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            ConnectCallback = ConnectAsync,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    public async Task<OutboundDocument> Get(Uri uri, int maxBytes, CancellationToken cancellationToken, string accept = "application/json")
    {
        if (uri is not { IsAbsoluteUri: true, Scheme: "https", UserInfo: "", Fragment: "" })
        {
            throw new OutboundRefusedException($"'{uri}' is not an https URL without user and fragment.");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Headers = { Accept = { new MediaTypeWithQualityHeaderValue(accept) } } };
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.StatusCode is not HttpStatusCode.OK)
            {
                throw new OutboundRefusedException($"'{uri}' answered {(int)response.StatusCode}; only 200 is taken, redirects are not followed.");
            }

            var body = await ReadAsync(response.Content, maxBytes, uri, limit.Token);
            return new(body, response.Content.Headers.ContentType?.MediaType, FreshFor(response.Headers.CacheControl));
        }
        catch (HttpRequestException e) when (e.InnerException is OutboundRefusedException refused)
        {
            throw new OutboundRefusedException(refused.Message, e);
        }
        catch (HttpRequestException e)
        {
            throw new OutboundRefusedException($"'{uri}' cannot be read: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new OutboundRefusedException($"'{uri}' did not answer within {options.Timeout.TotalSeconds:0.#} s.", e);
        }
    }

    public void Dispose() => http.Dispose();

    private static async Task<byte[]> ReadAsync(HttpContent content, int maxBytes, Uri uri, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[maxBytes + 1];
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return length <= maxBytes ? buffer[..length] : throw new OutboundRefusedException($"'{uri}' is longer than {maxBytes} bytes.");
    }

    private static TimeSpan? FreshFor(CacheControlHeaderValue? cache) => cache switch
    {
        { NoStore: true } or { NoCache: true } => TimeSpan.Zero,
        { MaxAge: { } age } => age,
        _ => null,
    };

    /// <summary>Connects to an address that was checked, not to a name that may resolve to another one a moment later.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);
        var allowed = options.AllowedHosts.Any(entry => entry.Equals(host, StringComparison.OrdinalIgnoreCase) || entry.Equals($"{host}:{port}", StringComparison.OrdinalIgnoreCase));

        // one private address among public ones is how a rebinding name looks: then none is asked
        if (addresses.Length == 0 || (!allowed && !Array.TrueForAll(addresses, PublicAddress.Is)))
        {
            throw new OutboundRefusedException($"'{host}' is not a host of the public internet. Operators allow others by Obot:Outbound:AllowedHosts.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
