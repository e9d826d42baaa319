using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Shims;

/// <param name="ReadyMilliseconds">From the start of the process to its ready event: median of the starts.</param>
/// <param name="IdleBytes">Resident, a second after the last of them.</param>
internal sealed record ShimFigure(double ReadyMilliseconds, long IdleBytes);

/// <summary>Start-up and memory of the shim's two modes, started as the process backend does.</summary>
internal static class ShimFigures
{
    private const int Starts = 9;

    public static Task<ShimFigure> GuardAsync(TimeProvider time) => TakeAsync("guard", GuardBoot(time), ShimJson.Default.GuardBoot);

    /// <summary>The package is installed by a first start that does not count. The server's own start is part of the figure.</summary>
    public static async Task<ShimFigure> BridgeAsync(Scratch scratch)
    {
        var package = await PackAsync(scratch.Folder);
        var boot = new BridgeBoot
        {
            Socket = Path.Combine(scratch.Folder, "bridge.sock"),
            Secret = "bench",
            Command = new() { Runtime = "npx", Package = $"file:{package}", PackageCache = Directory.CreateDirectory(Path.Combine(scratch.Folder, "packages")).FullName },
            WorkingDirectory = Directory.CreateDirectory(Path.Combine(scratch.Folder, "instance")).FullName,
        };
        await StartAsync("bridge", boot, ShimJson.Default.BridgeBoot, TimeSpan.Zero);
        return await TakeAsync("bridge", boot, ShimJson.Default.BridgeBoot);
    }

    private static async Task<ShimFigure> TakeAsync<TBoot>(string role, TBoot boot, JsonTypeInfo<TBoot> type)
    {
        var times = new List<double>();
        for (var start = 1; start < Starts; start++)
        {
            times.Add((await StartAsync(role, boot, type, TimeSpan.Zero)).ReadyMilliseconds);
        }

        var last = await StartAsync(role, boot, type, TimeSpan.FromSeconds(1));
        times.Add(last.ReadyMilliseconds);
        return new(times.Order().ElementAt(times.Count / 2), last.IdleBytes);
    }

    private static async Task<ShimFigure> StartAsync<TBoot>(string role, TBoot boot, JsonTypeInfo<TBoot> type, TimeSpan idle)
    {
        var document = JsonSerializer.Serialize(boot, type);
        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(Repository.Shim, [role]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await process.StandardInput.WriteLineAsync(document);
        await process.StandardInput.FlushAsync();
        while (true)
        {
            var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"the {role} ended before it was ready");
            var said = JsonSerializer.Deserialize(line, ShimJson.Default.ShimEvent);
            if (said?.Event is ShimEvent.Failed)
            {
                throw new InvalidOperationException($"the {role} did not start: {said.Reason}");
            }

            if (said?.Event is ShimEvent.Ready)
            {
                break;
            }
        }

        var ready = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        await Task.Delay(idle);
        var resident = Proc.ResidentBytes(process.Id);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return new(ready, resident);
    }

    private static GuardBoot GuardBoot(TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var authority = new CertificateRequest("CN=bench", key, HashAlgorithmName.SHA256).CreateSelfSigned(time.GetUtcNow(), time.GetUtcNow().AddDays(1));
        return new()
        {
            Instance = "bench",
            Generation = 1,
            Listen = "127.0.0.1:0",
            ControlUrls = ["wss://127.0.0.1:1/control"],
            ClusterCaPem = authority.ExportCertificatePem(),
            Credential = "none",
            AssertionKeys = """{"keys":[]}""",
            SessionKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
            Policy = new(),
            Upstream = new() { Url = "http://127.0.0.1:1/mcp" },
        };
    }

    private static async Task<string> PackAsync(string folder)
    {
        using var npm = Process.Start(new ProcessStartInfo("npm", ["pack", "--silent", "--pack-destination", folder]) { WorkingDirectory = Repository.StdioServer, UseShellExecute = false, RedirectStandardOutput = true })!;
        var name = (await npm.StandardOutput.ReadToEndAsync()).Trim().Split('\n')[^1];
        await npm.WaitForExitAsync();
        return Path.Combine(folder, name);
    }
}
