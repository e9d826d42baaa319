using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Fixtures;

/// <summary>A process of this run, gone at its end.</summary>
internal sealed class Child : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Process process;

    private Child(Process process) => this.process = process;

    public int Pid => process.Id;

    public bool HasExited => process.HasExited;

    /// <summary>The process and all below it.</summary>
    public IReadOnlyList<int> Pids => [Pid, .. Proc.Descendants(Pid)];

    public TextReader Output => process.StandardOutput;

    public static Child Start(string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(file, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (key, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            start.Environment[key] = value;
        }

        return new(Process.Start(start) ?? throw new InvalidOperationException($"{file} did not start"));
    }

    /// <summary>Another part of this program.</summary>
    public static Child Part(params string[] arguments) =>
        Start("dotnet", [typeof(Child).Assembly.Location, .. arguments]);

    /// <summary>A part that says where it listens.</summary>
    public static async Task<(Child Child, Uri Url)> ServeAsync(params string[] arguments)
    {
        var child = Part(arguments);
        using var limit = new CancellationTokenSource(Patience);
        return await child.Output.ReadLineAsync(limit.Token) is { } url
            ? (child, new Uri(url))
            : throw new InvalidOperationException($"'{string.Join(' ', arguments)}' ended before it listened");
    }

    public async Task<string> ReadToEndAsync()
    {
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"exit code {process.ExitCode}: {output}");
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            Signals.Send(process.Id, Signal.Terminate);
            using var limit = new CancellationTokenSource(Patience);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        process.Dispose();
    }
}
