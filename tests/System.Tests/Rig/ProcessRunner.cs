using System.Diagnostics;
using System.Text;

namespace Obot.SystemTests.Rig;

internal sealed record ProcessResult(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>Throws with both streams when the process did not exit with 0.</summary>
    public ProcessResult Checked() => ExitCode == 0 ? this : throw new InvalidOperationException(ToString());

    public override string ToString() => $"{Command} → {ExitCode}\n{Output}\n{Error}".TrimEnd();
}

/// <summary>Runs a program to its end, within a limit; kills its whole tree when the limit is over.</summary>
internal static class ProcessRunner
{
    public static async Task<ProcessResult> RunAsync(
        string program,
        IEnumerable<string> arguments,
        TimeSpan limit,
        IReadOnlyDictionary<string, string>? environment = null,
        string? folder = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Repository.Root,
        };
        foreach (var (key, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            start.Environment[key] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        process.StandardInput.Close();
        var output = Collect(process.StandardOutput);
        var error = Collect(process.StandardError);
        var command = $"{Path.GetFileName(program)} {string.Join(' ', start.ArgumentList)}";
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(limit);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException exception)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command}: not ended after {limit.TotalSeconds:0} s\n{output.Text}\n{error.Text}", exception);
        }

        // a detached grandchild may hold the pipe: its silence is not awaited for long
        await Task.WhenAny(Task.WhenAll(output.Done, error.Done), Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None));
        return new ProcessResult(command, process.ExitCode, output.Text, error.Text);
    }

    private static Collected Collect(StreamReader reader) => new(reader);

    private sealed class Collected
    {
        private readonly StringBuilder text = new();

        public Collected(StreamReader reader) => Done = CopyAsync(reader);

        public Task Done { get; }

        public string Text
        {
            get
            {
                lock (text)
                {
                    return text.ToString();
                }
            }
        }

        private async Task CopyAsync(StreamReader reader)
        {
            var buffer = new char[4096];
            while (await reader.ReadAsync(buffer) is var count and > 0)
            {
                lock (text)
                {
                    text.Append(buffer, 0, count);
                }
            }
        }
    }
}
