using System.Buffers.Text;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Text.Json;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Exchange;
using Obot.Shim.Guard.Control;

namespace Obot.Shim.Guard.Exchange;

/// <summary>
/// Asks the cluster for a caller's credentials (RFC 8693): the caller's assertion against what goes into the call. The answer is encrypted to a
/// key that this guard made at its start and that never leaves it.
/// </summary>
internal sealed class ExchangeClient : IDisposable
{
    private const int MaxAnswer = 512 * 1024;
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);

    private readonly ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
    private readonly string publicKey;
    private readonly GuardCredential credential;
    private readonly Uri[] endpoints;
    private readonly HttpClient http;

    public ExchangeClient(GuardBoot boot, GuardCredential credential)
    {
        var trust = new ClusterTrust(boot.ClusterCaPem);
        publicKey = Base64Url.EncodeToString(key.ExportSubjectPublicKeyInfo());
        this.credential = credential;
        endpoints = [.. boot.ControlUrls.Select(EndpointOf)];
        http = new(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = trust.IsOurs },
        })
        { Timeout = AttemptTimeout, MaxResponseContentBufferSize = MaxAnswer };
    }

    /// <summary>Never throws for what others do: an unreachable cluster is a refusal too.</summary>
    public async Task<Exchanged> AskAsync(string assertion, UpstreamDenial? denial, string? deniedToken, CancellationToken cancellationToken)
    {
        var form = new List<KeyValuePair<string, string>>
        {
            new(ExchangeForm.GrantType, ExchangeForm.TokenExchange),
            new(ExchangeForm.ClientAssertionType, ExchangeForm.JwtBearer),
            new(ExchangeForm.ClientAssertion, credential.Value),
            new(ExchangeForm.SubjectToken, assertion),
            new(ExchangeForm.SubjectTokenType, ExchangeForm.Jwt),
            new(ExchangeForm.Key, publicKey),
        };
        if (denial is not null)
        {
            form.Add(new(ExchangeForm.DeniedStatus, denial.Status.ToString(CultureInfo.InvariantCulture)));
            form.Add(new(ExchangeForm.DeniedChallenge, denial.Challenge ?? ""));
            form.Add(new(ExchangeForm.DeniedToken, UpstreamDenial.HashOf(deniedToken) ?? ""));
        }

        var fault = "no address is known";
        foreach (var endpoint in endpoints)
        {
            try
            {
                using var content = new FormUrlEncodedContent(form);
                using var response = await http.PostAsync(endpoint, content, cancellationToken);
                var answer = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellationToken), ShimJson.Default.ExchangeAnswer);
                return Read(answer ?? throw new JsonException("null is no answer"));
            }
            catch (Exception e) when (e is HttpRequestException or JsonException or CryptographicException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                fault = e.Message;
            }
        }

        return Exchanged.Refused(ExchangeErrors.TemporarilyUnavailable, $"the platform could not be asked for your credentials ({fault}): try again");
    }

    public void Dispose()
    {
        http.Dispose();
        key.Dispose();
    }

    private Exchanged Read(ExchangeAnswer answer)
    {
        if (answer.AccessToken is not { } token)
        {
            return Exchanged.Refused(answer.Error ?? ExchangeErrors.AccessDenied, answer.ErrorDescription ?? "the platform has no credentials for this call", answer.ErrorUri);
        }

        var credentials = JsonSerializer.Deserialize(SealedAnswer.Open(key, token), ShimJson.Default.InjectedCredentials);
        return new(credentials ?? throw new JsonException("null is no credentials"), null, TimeSpan.FromSeconds(Math.Clamp(answer.ExpiresIn ?? 0, 0, 3600)));
    }

    /// <summary>The token endpoint stands beside the control endpoint.</summary>
    private static Uri EndpointOf(string controlUrl)
    {
        var control = new Uri(controlUrl);
        return new UriBuilder(control.Scheme == "ws" ? Uri.UriSchemeHttp : Uri.UriSchemeHttps, control.Host, control.Port, ExchangeForm.Path).Uri;
    }
}
