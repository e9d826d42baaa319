using System.Diagnostics;

namespace Obot.SystemTests.Rig;

/// <summary>The conformance fixture, as a process of ours with an HTTP face, or as an npm package for <c>runtime: npx</c>.</summary>
internal sealed class Fixture : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly SemaphoreSlim Packing = new(1);
    private static string? packed;
    private readonly Process process;

    private Fixture(Process process, Uri url)
    {
        this.process = process;
        Url = url;
    }

    /// <summary>The same where the user of an instance can read it, whoever owns the checkout.</summary>
    private static readonly Lazy<string> Readable = new(CopyOut);

    public static string Dll => Path.Combine(Repository.FixtureFolder, "Obot.ConformanceServer.dll");

    public Uri Url { get; }

    public int Pid => process.Id;

    /// <param name="stateless">Both eras without sessions; otherwise the legacy era with sessions.</param>
    /// <param name="log">File of <c>FIXTURE_LOG</c>.</param>
    public static async Task<Fixture> StartAsync(bool stateless, string? log = null)
    {
        var start = new ProcessStartInfo("dotnet", [Dll, "--http", "0", .. stateless ? ["--stateless"] : Array.Empty<string>()])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (log is not null)
        {
            start.Environment["FIXTURE_LOG"] = log;
        }

        var started = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start");
        using var patience = new CancellationTokenSource(StartLimit);
        while (await started.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith("url: ", StringComparison.Ordinal))
            {
                return new Fixture(started, new Uri(line[5..]));
            }
        }

        throw new InvalidOperationException($"the fixture ended with {started.ExitCode} before it listened");
    }

    /// <summary>
    /// Package spec for <c>npxConfig.package</c>: a tarball, because a folder becomes a link into the checkout, which the user of an
    /// instance may not be able to enter.
    /// </summary>
    public static async Task<string> PackageSpecAsync()
    {
        await Packing.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            packed ??= await PackAsync();
            return $"file:{packed}";
        }
        finally
        {
            Packing.Release();
        }
    }

    /// <summary>Environment that the packaged fixture needs, as a manifest has it.</summary>
    public static object[] PackageEnvironment(string? mode = null, string? log = null, params (string Key, string Value)[] more) =>
    [
        new { key = "FIXTURE_DLL", value = Readable.Value },
        new { key = "FIXTURE_DOTNET", value = Environment.ProcessPath is { } path && Path.GetFileName(path) is "dotnet" ? path : "dotnet" },
        new { key = "FIXTURE_MODE", value = mode ?? "serves" },
        new { key = "FIXTURE_LOG", value = log ?? "" },
        .. more.Select(pair => new { key = pair.Key, value = pair.Value }),
    ];

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            Signals.Send(process.Id, Signal.Kill);
            await process.WaitForExitAsync(CancellationToken.None);
        }

        process.Dispose();
    }

    private static string CopyOut()
    {
        var scratch = new Scratch("fixture");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => scratch.Dispose();
        foreach (var file in Directory.EnumerateFiles(Repository.FixtureFolder))
        {
            File.Copy(file, Path.Combine(scratch.Folder, Path.GetFileName(file)));
        }

        return Path.Combine(scratch.Folder, Path.GetFileName(Dll));
    }

    private static async Task<string> PackAsync()
    {
        var scratch = new Scratch("package");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => scratch.Dispose();
        var folder = scratch.Folder;
        var result = await ProcessRunner.RunAsync("npm", ["pack", "--silent", "--pack-destination", folder], TimeSpan.FromMinutes(1), folder: Repository.StdioPackage);
        return Path.Combine(folder, result.Checked().Output.Trim().Split('\n')[^1]);
    }
}
