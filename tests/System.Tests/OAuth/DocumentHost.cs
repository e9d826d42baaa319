using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.OAuth;

/// <summary>An https site on loopback with documents of clients, good ones and bad ones; counts who reads what.</summary>
internal sealed class DocumentHost : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, int> reads = new(StringComparer.Ordinal);
    private readonly Scratch folder = new("documents");
    private readonly X509Certificate2 certificate = NewCertificate();
    private readonly WebApplication app;

    private DocumentHost()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        app = builder.Build();
        app.Run(AnswerAsync);

        // the variable replaces the system's own list, which a build of the product may still need
        var system = Environment.GetEnvironmentVariable("SSL_CERT_FILE") ?? "/etc/ssl/certs/ca-certificates.crt";
        TrustFile = Path.Combine(folder.Folder, "trusted.pem");
        File.WriteAllText(TrustFile, $"{(File.Exists(system) ? File.ReadAllText(system) : "")}\n{certificate.ExportCertificatePem()}\n");
        File.SetUnixFileMode(TrustFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    /// <summary>Certificates (PEM) with this site's own among them, for <c>SSL_CERT_FILE</c>.</summary>
    public string TrustFile { get; }

    public int Port => new Uri(app.Urls.Single()).Port;

    public string Url(string path, string host = "localhost") => $"https://{host}:{Port}{path}";

    /// <summary>How often a document was asked for.</summary>
    public int Reads(string path) => reads.GetValueOrDefault(path);

    public static async Task<DocumentHost> StartAsync()
    {
        var host = new DocumentHost();
        await host.app.StartAsync();
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        certificate.Dispose();
        folder.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        var read = reads.AddOrUpdate(path, 1, (_, before) => before + 1);
        var document = new JsonObject
        {
            ["client_id"] = Url(path),
            ["client_name"] = $"reading {read}",
            ["redirect_uris"] = new JsonArray(OAuthClient.Redirect, "http://127.0.0.1/oauth/callback"),
            ["token_endpoint_auth_method"] = "none",
        };
        var response = context.Response;
        response.ContentType = "application/json";
        switch (path)
        {
            case "/volatile.json":
                response.Headers.CacheControl = "no-store";
                break;
            case "/redirecting.json":
                response.Redirect(Url("/client.json"));
                return;
            case "/huge.json":
                document["padding"] = new string('x', 32 * 1024);
                break;
            case "/slow.json":
                await response.WriteAsync("{");
                await response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            case "/another.json":
                document["client_id"] = Url("/client.json");
                break;
            case "/secret.json":
                document["client_secret"] = "known to everybody";
                break;
            case "/text.json":
                await response.WriteAsync("<!DOCTYPE html>");
                return;
            default:
                response.Headers.CacheControl = "max-age=600";
                break;
        }

        await response.WriteAsync(document.ToJsonString());
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
