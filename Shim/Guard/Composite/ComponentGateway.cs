using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Control;

namespace Obot.Shim.Guard.Composite;

/// <summary>
/// The way from a composite to its components: the internal listener of any gateway silo, which takes the caller's assertion for the
/// composite, makes one for the component of it, and sends the message on as if the caller had come to the component.
/// </summary>
internal sealed class ComponentGateway : IDisposable
{
    private const string ServerName = "control.obot.internal";

    private readonly string[] origins;
    private readonly GuardCredential credential;
    private readonly X509Certificate2 authority;
    private readonly HttpMessageInvoker client;
    private volatile int preferred;

    public ComponentGateway(GuardBoot boot, GuardCredential credential)
    {
        origins = [.. boot.ControlUrls.Select(url => "https://" + new Uri(url).Authority)];
        this.credential = credential;
        authority = X509Certificate2.CreateFromPem(boot.ClusterCaPem);
        client = new(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            SslOptions = new() { RemoteCertificateValidationCallback = (_, certificate, _, _) => IsOurs(certificate) },
        });
    }

    /// <summary>Sends a message, or opens a stream when there is none.</summary>
    /// <exception cref="ComponentUnavailableException">No gateway silo can be reached.</exception>
    public async Task<HttpResponseMessage> SendAsync(CompositeComponent component, string assertion, JsonObject? message, Action<HttpRequestHeaders> headers, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var silo = (preferred + attempt) % origins.Length;
            using var request = new HttpRequestMessage(message is null ? HttpMethod.Get : HttpMethod.Post, $"{origins[silo]}/components/{Uri.EscapeDataString(component.Server)}");
            request.Headers.Authorization = new("Bearer", credential.Value);
            request.Headers.TryAddWithoutValidation(ObotHeaders.Assertion, assertion);
            request.Headers.TryAddWithoutValidation("Accept", message is null ? "text/event-stream" : "application/json, text/event-stream");
            headers(request.Headers);
            if (message is not null)
            {
                request.Content = new StringContent(message.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
            }

            try
            {
                var response = await client.SendAsync(request, cancellationToken);
                preferred = silo;
                return response;
            }
            catch (HttpRequestException e) when (e.InnerException is SocketException)
            {
                // nothing was sent: another silo may take it
                if (attempt + 1 >= origins.Length)
                {
                    throw new ComponentUnavailableException("the gateway cannot be reached");
                }
            }
            catch (HttpRequestException e)
            {
                throw new ComponentUnavailableException(e.Message);
            }
        }
    }

    public void Dispose()
    {
        client.Dispose();
        authority.Dispose();
    }

    private bool IsOurs(X509Certificate? certificate)
    {
        if (certificate is not X509Certificate2 leaf || !leaf.MatchesHostname(ServerName))
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(leaf);
    }
}

/// <summary>A component that cannot be asked; the message says why, for a person.</summary>
internal sealed class ComponentUnavailableException(string reason) : Exception(reason);
