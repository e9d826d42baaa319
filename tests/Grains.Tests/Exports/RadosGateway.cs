using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;
using Obot.SystemTests.Rig;

namespace Obot.Grains.Tests.Exports;

/// <summary>Ceph's S3 gateway, from <c>tests/parts/rgw.sh</c>: an S3 that others wrote, and an older one.</summary>
internal sealed class RadosGateway : IAsyncDisposable
{
    public const string Bucket = "audit";
    public const string Key = "AKIAOBOTTESTS";
    public const string Secret = "a-secret-of-the-tests";
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private static readonly string[] Programs = ["ceph-mon", "ceph-osd", "ceph", "radosgw", "radosgw-admin"];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("obot-rgw-");
    private readonly Process _process;

    private RadosGateway()
    {
        var port = FreePort();
        Url = $"http://127.0.0.1:{port}";
        _process = Process.Start(new ProcessStartInfo(Path.Combine(Repository.Root, "tests", "parts", "rgw.sh"), [_folder.FullName, $"{port}", Key, Secret])
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
    }

    public string Url { get; }

    public TimeSpan Start { get; private set; }

    /// <summary>Null when all programs are there.</summary>
    public static string? Missing => Programs.FirstOrDefault(program => !Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))));

    public static async Task<RadosGateway> StartAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var gateway = new RadosGateway();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        var errors = gateway._process.StandardError.ReadToEndAsync(limit.Token);
        if (await gateway._process.StandardOutput.ReadLineAsync(limit.Token) is not "ready")
        {
            throw new InvalidOperationException($"rgw.sh: {await errors}");
        }

        gateway.Start = clock.Elapsed;
        using var client = gateway.Client();
        await client.PutBucketAsync(Bucket, limit.Token);
        return gateway;
    }

    public AmazonS3Client Client() => new(
        new BasicAWSCredentials(Key, Secret),
        new AmazonS3Config { ServiceURL = Url, ForcePathStyle = true, AuthenticationRegion = "us-east-1", RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED });

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _process.WaitForExitAsync(limit.Token);
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
