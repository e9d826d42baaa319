using System.Diagnostics;
using System.Text;

namespace Obot.Grains.Catalog.Sources;

/// <summary>One run of the git program, with an end: a time-out and a limit of what it may put on disk.</summary>
internal static class GitProcess
{
    private const int MaxWords = 600;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    /// <param name="arguments">Never a secret: command lines are for everyone to read.</param>
    /// <param name="input">Written to its standard input; null for none.</param>
    /// <param name="read">Reads its standard output to the end.</param>
    /// <param name="maxBytes">What the folder of <paramref name="home"/> may hold.</param>
    /// <exception cref="SourceException">It failed, or went over a limit.</exception>
    public static async Task<T> RunAsync<T>(
        GitHome home, IReadOnlyList<string> arguments, byte[]? input, Func<Stream, CancellationToken, Task<T>> read, long maxBytes, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("git", arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = home.Folder,
        };
        start.Environment.Clear();
        foreach (var (name, value) in home.Environment)
        {
            start.Environment[name] = value;
        }

        using var process = Start(start);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watching = WatchAsync(home.Folder, maxBytes, ending.Token);
        try
        {
            var words = WordsAsync(process.StandardError, ending.Token);
            var writing = WriteAsync(process, input, ending.Token);
            var reading = ReadAsync();
            var work = Task.WhenAll(words, writing, reading);
            if (await Task.WhenAny(work, watching) == watching)
            {
                await watching;
            }

            await work;
            await process.WaitForExitAsync(ending.Token);
            return process.ExitCode == 0 ? await reading : throw new SourceException($"git: {await words}");
        }
        finally
        {
            await ending.CancelAsync();
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // whoever has read enough does not wait for the rest
        async Task<T> ReadAsync()
        {
            try
            {
                return await read(process.StandardOutput.BaseStream, ending.Token);
            }
            catch
            {
                process.Kill(entireProcessTree: true);
                throw;
            }
        }
    }

    public static Task<string> TextAsync(GitHome home, IReadOnlyList<string> arguments, long maxBytes, CancellationToken cancellationToken) =>
        RunAsync(home, arguments, null, async (stream, token) => (await new StreamReader(stream, Encoding.UTF8).ReadToEndAsync(token)).Trim(), maxBytes, cancellationToken);

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new SourceException("The program 'git' is not installed on the silo that reads this catalog (Debian: apt-get install git).", e);
        }
    }

    private static async Task WriteAsync(Process process, byte[]? input, CancellationToken cancellationToken)
    {
        try
        {
            if (input is not null)
            {
                await process.StandardInput.BaseStream.WriteAsync(input, cancellationToken);
            }

            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // it ended before it read everything; its exit code says why
        }
    }

    /// <summary>The end of what it complained about, without control characters.</summary>
    private static async Task<string> WordsAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        var last = "";
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            var clean = string.Concat(line.Where(c => !char.IsControl(c))).Trim();
            last = clean.Length == 0 ? last : $"{last} {clean}".Trim();
            last = last.Length > MaxWords ? last[^MaxWords..] : last;
        }

        return last.Length == 0 ? "it failed without a word" : last;
    }

    private static async Task WatchAsync(string folder, long maxBytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(LookAgain, cancellationToken);
            if (SizeOf(folder) > maxBytes)
            {
                throw new SourceException($"The repository needs more than {maxBytes} bytes on disk (Obot:Catalog:MaxRepositoryBytes), even one revision deep.");
            }
        }
    }

    private static long SizeOf(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Exists ? file.Length : 0);
        }
        catch (IOException)
        {
            // files come and go while git works
            return 0;
        }
    }
}
