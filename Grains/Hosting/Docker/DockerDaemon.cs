using System.Net;
using Docker.DotNet;
using Docker.DotNet.NativeHttp;
using Microsoft.Extensions.Options;

namespace Obot.Grains.Hosting.Docker;

/// <summary>The Engine of this installation, local or remote.</summary>
internal sealed class DockerDaemon(IOptions<HostingOptions> options) : IDisposable
{
    private const string DefaultSocket = "unix:///var/run/docker.sock";
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    private readonly Lazy<Uri> endpoint = new(() => EndpointOf(options.Value.Docker.Endpoint));
    private readonly Lock gate = new();
    private DockerClient? client;
    private DockerTls? tls;

    public Uri Endpoint => endpoint.Value;

    /// <summary>Does it run on this machine?</summary>
    public bool IsLocal => Endpoint.Scheme == "unix" || Endpoint.IsLoopback;

    /// <summary>May there be one? A local Engine that was never installed is not asked.</summary>
    public bool MayExist => Endpoint.Scheme != "unix" || File.Exists(Endpoint.LocalPath);

    /// <summary>As <see cref="Deployment.Host"/>.</summary>
    public string Host => Endpoint.OriginalString;

    public IDockerClient Client
    {
        get
        {
            lock (gate)
            {
                return client ??= Connect();
            }
        }
    }

    /// <exception cref="ServerStartException">It does not answer; the message says where and what to do.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        if (await FaultAsync(cancellationToken) is { } fault)
        {
            throw new ServerStartException(fault);
        }
    }

    /// <summary>Null when it answers; otherwise why not, for a person.</summary>
    public async Task<string?> FaultAsync(CancellationToken cancellationToken)
    {
        if (!MayExist)
        {
            return $"Docker was not found: there is no socket {Endpoint.LocalPath}. Start it, or name another with Obot:Hosting:Docker:Endpoint";
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerWithin);
        try
        {
            await Client.System.PingAsync(limit.Token);
            return null;
        }
        catch (ServerStartException e)
        {
            return e.Message;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return $"Docker does not answer at {Endpoint.OriginalString}: {Cause(e)}. Start it, let this user use it, or name another with Obot:Hosting:Docker:Endpoint";
        }
    }

    public void Dispose()
    {
        client?.Dispose();
        tls?.Dispose();
    }

    internal static Uri EndpointOf(string configured)
    {
        var text = configured.Length > 0 ? configured : Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 } host ? host : DefaultSocket;
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "unix" or "tcp" or "http" or "https"
            ? uri!
            : throw new ServerStartException($"Obot:Hosting:Docker:Endpoint is '{text}': it must be unix:///path, tcp://host:port or https://host:port");
    }

    private static string Cause(Exception e) => e switch
    {
        OperationCanceledException => $"no answer within {AnswerWithin.TotalSeconds:0} s",
        { InnerException: { } inner } => Cause(inner),
        _ => e.Message,
    };

    private DockerClient Connect()
    {
        var docker = options.Value.Docker;
        var certificates = docker.CertificatePath.Length > 0
            ? docker.CertificatePath
            : Environment.GetEnvironmentVariable("DOCKER_TLS_VERIFY") is { Length: > 0 } ? Environment.GetEnvironmentVariable("DOCKER_CERT_PATH") ?? "" : "";
        var builder = new DockerClientBuilder().WithTimeout(Timeout.InfiniteTimeSpan).WithEndpoint(Endpoint);
        if (Endpoint.Scheme == "unix")
        {
            return builder.Build();
        }

        if (certificates.Length > 0)
        {
            tls = new DockerTls(certificates);
            builder = builder.WithAuthProvider(tls);
        }

        return builder.WithTransportOptions(new NativeHttpTransportOptions()).Build();
    }

    /// <summary>Where guards' ports are published, and how gateways reach them there.</summary>
    /// <exception cref="ServerStartException">The Engine's host has no IPv4 address.</exception>
    public async Task<(string Publish, string Reach)> PublishAsync(CancellationToken cancellationToken)
    {
        var docker = options.Value.Docker;
        var publish = docker.PublishAddress;
        if (publish.Length == 0)
        {
            publish = IsLocal ? IPAddress.Loopback.ToString() : (await Dns.GetHostAddressesAsync(Endpoint.DnsSafeHost, System.Net.Sockets.AddressFamily.InterNetwork, cancellationToken)).FirstOrDefault()?.ToString()
                ?? throw new ServerStartException($"{Endpoint.DnsSafeHost} has no IPv4 address: set Obot:Hosting:Docker:PublishAddress");
        }

        return (publish, docker.GuardHost.Length > 0 ? docker.GuardHost : publish == "0.0.0.0" ? IsLocal ? "127.0.0.1" : Endpoint.DnsSafeHost : publish);
    }
}
