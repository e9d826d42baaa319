using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Docker;

/// <summary>The Docker Engine of this machine: the one that runs, or one that is started for the tests and ended with them.</summary>
public sealed class DockerEngine : IAsyncDisposable
{
    private const string Socket = "/var/run/docker.sock";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CommandLimit = TimeSpan.FromMinutes(3);
    private Process? daemon;

    /// <summary>Why there is none; null when there is.</summary>
    public string? Missing { get; private set; }

    /// <summary>Did we start it, and may stop and restart it?</summary>
    public bool IsOwn => daemon is not null;

    public static async Task<DockerEngine> StartAsync()
    {
        var engine = new DockerEngine();
        if (await AnswersAsync())
        {
            return engine;
        }

        // a second daemon beside a running one breaks the first one's bridge: a socket that does not answer yet is waited for
        if (File.Exists("/var/run/docker.pid") && int.TryParse(await File.ReadAllTextAsync("/var/run/docker.pid"), System.Globalization.CultureInfo.InvariantCulture, out var pid) && Proc.Exists(pid))
        {
            engine.Missing = $"dockerd runs (process {pid}) and does not answer";
        }
        else if (!Environment.IsPrivilegedProcess)
        {
            engine.Missing = "no Docker Engine runs, and only root can start one";
        }
        else if (Find("dockerd") is not { } program)
        {
            engine.Missing = "dockerd is not installed (apt-get install docker.io)";
        }
        else
        {
            await engine.StartOwnAsync(program);
        }

        return engine;
    }

    /// <summary>Runs the command-line client; throws with both streams when it fails.</summary>
    public static async Task<string> RunAsync(params string[] arguments) =>
        (await ProcessRunner.RunAsync("docker", arguments, CommandLimit)).Checked().Output.Trim();

    public static async Task<IReadOnlyList<string>> LinesAsync(params string[] arguments) =>
        [.. (await RunAsync(arguments)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    /// <summary>Stops the daemon and every container with it, and starts it again.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await StartOwnAsync(Find("dockerd")!);
        if (Missing is not null)
        {
            throw new InvalidOperationException(Missing);
        }
    }

    public async Task StopAsync()
    {
        if (daemon is { HasExited: false })
        {
            Signals.Send(daemon.Id, Signal.Terminate);
            using var limit = new CancellationTokenSource(StartLimit);
            await daemon.WaitForExitAsync(limit.Token);
        }

        daemon?.Dispose();
        daemon = null;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StartOwnAsync(string program)
    {
        var log = Path.Combine(Path.GetTempPath(), "obot-test-dockerd.log");
        daemon = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"exec setsid '{program}' >'{log}' 2>&1 </dev/null"]) { UseShellExecute = false });
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < StartLimit && daemon is { HasExited: false })
        {
            if (await AnswersAsync())
            {
                Missing = null;
                return;
            }

            await Task.Delay(200);
        }

        Missing = $"dockerd does not start on this machine: {(File.Exists(log) ? File.ReadLines(log).LastOrDefault(line => line.Contains("level=error", StringComparison.Ordinal) || line.Contains("failed", StringComparison.Ordinal)) ?? log : log)}";
        await StopAsync();
    }

    private static async Task<bool> AnswersAsync() =>
        File.Exists(Socket) && Find("docker") is not null && (await ProcessRunner.RunAsync("docker", ["version", "--format", "{{.Server.Version}}"], TimeSpan.FromSeconds(10))).ExitCode == 0;

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
