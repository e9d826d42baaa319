using System.Net.Sockets;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Fixtures;

/// <summary>nginx as a plain reverse proxy.</summary>
internal static class NginxHop
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Null when it is not installed.</summary>
    public static string? Find() =>
        new[] { "/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx" }.FirstOrDefault(File.Exists);

    public static async Task<(Child Child, Uri Url)> StartAsync(string nginx, Scratch scratch, Uri target)
    {
        var port = Child.FreePort();
        var folder = Directory.CreateDirectory(Path.Combine(scratch.Folder, $"nginx-{port}")).FullName;
        var file = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(file, Configuration(folder, port, target));
        var child = Child.Start(nginx, ["-p", folder, "-c", file, "-e", "stderr"]);
        using var limit = new CancellationTokenSource(Patience);
        while (!await AnswersAsync(port))
        {
            await Task.Delay(50, limit.Token);
        }

        return (child, new Uri($"http://127.0.0.1:{port}"));
    }

    private static string Configuration(string folder, int port, Uri target) => $$"""
        daemon off;
        pid {{folder}}/nginx.pid;
        worker_processes auto;
        error_log stderr;
        events { worker_connections 1024; }
        http {
          access_log off;
          keepalive_requests 100000000;
          client_body_temp_path {{folder}}/body;
          proxy_temp_path {{folder}}/proxy;
          fastcgi_temp_path {{folder}}/fastcgi;
          uwsgi_temp_path {{folder}}/uwsgi;
          scgi_temp_path {{folder}}/scgi;
          upstream target {
            server {{target.Authority}};
            keepalive 128;
            keepalive_requests 100000000;
          }
          server {
            listen 127.0.0.1:{{port}};
            location / {
              proxy_pass http://target;
              proxy_http_version 1.1;
              proxy_set_header Connection "";
              proxy_buffering off;
            }
          }
        }

        """;

    private static async Task<bool> AnswersAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
