using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Outbound;

namespace Obot.Grains.Outbound;

/// <summary>An answer of an address that a stranger named: whatever its status, its body no longer than what was asked for.</summary>
internal sealed record OutboundAnswer(HttpStatusCode Status, byte[] Body, string? ContentType, TimeSpan? FreshFor, string? Challenge);

/// <summary>
/// Sends requests to addresses that strangers named. The connection goes to the very address that was checked, so a name that resolves to
/// another one a moment later gains nothing; redirects are answers, not orders.
/// </summary>
internal sealed class OutboundClient : IDisposable
{
    private readonly OutboundOptions options;
    private readonly HttpClient guarded;
    private readonly HttpClient declared;

    public OutboundClient(IOptions<OutboundOptions> options)
    {
        this.options = options.Value;
        guarded = Make(isDeclared: false);
        declared = Make(isDeclared: true);
    }

    /// <param name="request">To an absolute URL; plain http only to hosts that operators allow by name.</param>
    /// <param name="maxBytes">A longer answer is refused while it is being read.</param>
    /// <exception cref="OutboundRefusedException">The address may not be asked, or did not answer: says why.</exception>
    public Task<OutboundAnswer> SendAsync(HttpRequestMessage request, int maxBytes, CancellationToken cancellationToken)
    {
        var uri = request.RequestUri!;
        return uri is { IsAbsoluteUri: true, UserInfo: "", Fragment: "" } && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && IsAllowed(uri.IdnHost, uri.Port)))
            ? SendAsync(guarded, request, maxBytes, cancellationToken)
            : throw new OutboundRefusedException($"'{uri}' is not an https URL without user and fragment.");
    }

    /// <summary>
    /// To the origin of an MCP server as its manifest declares it: its guard calls there anyway, wherever it is. Nothing that such an
    /// origin names is declared by that.
    /// </summary>
    /// <exception cref="OutboundRefusedException">It did not answer.</exception>
    public Task<OutboundAnswer> SendDeclaredAsync(HttpRequestMessage request, int maxBytes, CancellationToken cancellationToken) =>
        SendAsync(declared, request, maxBytes, cancellationToken);

    public void Dispose()
    {
        guarded.Dispose();
        declared.Dispose();
    }

    private HttpClient Make(bool isDeclared) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        MaxResponseHeadersLength = 16,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context, isDeclared, cancellationToken),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    private async Task<OutboundAnswer> SendAsync(HttpClient http, HttpRequestMessage request, int maxBytes, CancellationToken cancellationToken)
    {
        var uri = request.RequestUri!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            var body = await ReadAsync(response.Content, maxBytes, uri, limit.Token);
            var challenge = response.Headers.WwwAuthenticate.Count == 0 ? null : string.Join(", ", response.Headers.WwwAuthenticate);
            return new(response.StatusCode, body, response.Content.Headers.ContentType?.MediaType, FreshFor(response.Headers.CacheControl), challenge);
        }
        catch (HttpRequestException e) when (e.InnerException is OutboundRefusedException refused)
        {
            throw new OutboundRefusedException(refused.Message, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new OutboundRefusedException($"'{uri}' cannot be read: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new OutboundRefusedException($"'{uri}' did not answer within {options.Timeout.TotalSeconds:0.#} s.", e);
        }
    }

    private static async Task<byte[]> ReadAsync(HttpContent content, int maxBytes, Uri uri, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentType?.MediaType is "text/event-stream")
        {
            // it may never end, and nothing that is asked here answers so
            return [];
        }

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

    private bool IsAllowed(string host, int port) =>
        options.AllowedHosts.Any(entry => entry.Equals(host, StringComparison.OrdinalIgnoreCase) || entry.Equals($"{host}:{port}", StringComparison.OrdinalIgnoreCase));

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, bool isDeclared, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);

        // one private address among public ones is how a rebinding name looks: then none is asked
        if (addresses.Length == 0 || (!isDeclared && !IsAllowed(host, port) && !Array.TrueForAll(addresses, PublicAddress.Is)))
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
