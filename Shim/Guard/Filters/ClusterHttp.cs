using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using Obot.Shim.Guard.Control;

namespace Obot.Shim.Guard.Filters;

/// <summary>
/// Requests to the control listeners of the cluster, beside the control channel: the same trust, the same credential, any silo. Costs
/// nothing before the first one.
/// </summary>
internal sealed class ClusterHttp : IDisposable
{
    private readonly Uri[] silos;
    private readonly GuardCredential credential;
    private readonly Lazy<HttpMessageInvoker> client;
    private int preferred;

    /// <param name="controlUrls"><c>wss://host:port/control</c>.</param>
    public ClusterHttp(IReadOnlyList<string> controlUrls, string authorityPem, GuardCredential credential)
    {
        silos = [.. controlUrls.Select(url => new Uri($"{(url.StartsWith("ws:", StringComparison.Ordinal) ? "http" : "https")}://{new Uri(url).Authority}"))];
        this.credential = credential;
        client = new(() => Connect(authorityPem));
    }

    /// <summary>Posts JSON. The next silo is asked when one cannot be connected to.</summary>
    /// <param name="path">Begins with a slash.</param>
    public async Task<HttpResponseMessage> PostAsync(string path, ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var silo = Volatile.Read(ref preferred);
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(silos[silo % silos.Length], path)) { Content = new ReadOnlyMemoryContent(json) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential.Value);
            try
            {
                return await client.Value.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException) when (attempt < silos.Length)
            {
                Interlocked.CompareExchange(ref preferred, (silo + 1) % silos.Length, silo);
            }
        }
    }

    public void Dispose()
    {
        if (client.IsValueCreated)
        {
            client.Value.Dispose();
        }
    }

    private static HttpMessageInvoker Connect(string authorityPem)
    {
        var trust = new ClusterTrust(authorityPem);
        return new(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = trust.IsOurs },
        });
    }
}
