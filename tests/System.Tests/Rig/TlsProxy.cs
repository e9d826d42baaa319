using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Obot.SystemTests.Rig;

/// <summary>nginx as the proxy that ends TLS before the platform, with a certificate of its own for <c>localhost</c>.</summary>
internal sealed class TlsProxy : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);
    private readonly Scratch scratch = new("tls");
    private Process? nginx;

    public int Port { get; } = ObotCluster.FreePort();

    public string Url => $"https://localhost:{Port}";

    /// <summary>What it tells the platform of its caller; a caller's own word about that goes with it, as proxies do it.</summary>
    public async Task StartAsync(Uri target)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(1));
        await File.WriteAllTextAsync(PathOf("cert.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(PathOf("key.pem"), key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(PathOf("nginx.conf"), Configuration(target));
        nginx = Process.Start(new ProcessStartInfo("nginx", ["-p", scratch.Folder, "-c", PathOf("nginx.conf"), "-e", PathOf("error.log")]) { UseShellExecute = false })
            ?? throw new InvalidOperationException("nginx did not start");
        await Eventually.ReadAsync("nginx", "listens", StartLimit, ListensAsync, listens => listens);
    }

    public async ValueTask DisposeAsync()
    {
        if (nginx is { HasExited: false })
        {
            Signals.Send(nginx.Id, Signal.Terminate);
            await nginx.WaitForExitAsync(CancellationToken.None);
        }

        nginx?.Dispose();
        scratch.Dispose();
    }

    private string PathOf(string name) => Path.Combine(scratch.Folder, name);

    private async Task<bool> ListensAsync()
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private string Configuration(Uri target) => $$"""
        daemon off;
        user root;
        pid {{scratch.Folder}}/nginx.pid;
        worker_processes 1;
        events { worker_connections 256; }
        http {
          access_log off;
          client_body_temp_path {{scratch.Folder}}/body;
          proxy_temp_path {{scratch.Folder}}/proxy;
          fastcgi_temp_path {{scratch.Folder}}/fastcgi;
          uwsgi_temp_path {{scratch.Folder}}/uwsgi;
          scgi_temp_path {{scratch.Folder}}/scgi;
          map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
          server {
            listen 127.0.0.1:{{Port}} ssl;
            ssl_certificate {{scratch.Folder}}/cert.pem;
            ssl_certificate_key {{scratch.Folder}}/key.pem;
            location / {
              proxy_pass {{target.GetLeftPart(UriPartial.Authority)}};
              proxy_http_version 1.1;
              proxy_set_header Host $http_host;
              proxy_set_header X-Forwarded-For "203.0.113.9, $remote_addr";
              proxy_set_header Upgrade $http_upgrade;
              proxy_set_header Connection $connection_upgrade;
              proxy_buffering off;
            }
          }
        }
        """;
}
