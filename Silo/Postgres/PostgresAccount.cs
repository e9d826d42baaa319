using System.Diagnostics;
using System.Globalization;

namespace Obot.Silo.Postgres;

/// <summary>
/// Who runs PostgreSQL, which refuses to run as root. As root: the user <c>postgres</c> or <c>nobody</c>, by setpriv; where that user
/// cannot walk the path to the data or the binaries (a folder of <c>mktemp -d</c>), it keeps one capability that lets it search
/// directories, and nothing else.
/// </summary>
internal sealed class PostgresAccount
{
    private static readonly (string Name, int Bit)[] SearchCapabilities = [("dac_read_search", 2), ("dac_override", 1)];

    private readonly IReadOnlyList<string> _prefix;
    private readonly bool _other;

    private PostgresAccount(string name, IReadOnlyList<string> prefix, bool other) => (Name, _prefix, _other) = (name, prefix, other);

    public string Name { get; }

    public static PostgresAccount For(string dataFolder, string binaries)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
        {
            return new(Environment.UserName, [], other: false);
        }

        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')[0]).ToHashSet(StringComparer.Ordinal);
        var name = users.Contains("postgres") ? "postgres" : users.Contains("nobody") ? "nobody" : throw new EmbeddedPostgresException(
            "PostgreSQL refuses to run as root and there is neither a user 'postgres' nor 'nobody' here. Start obot as another user, or set Obot:Database:ConnectionString.");
        List<string> prefix = ["setpriv", $"--reuid={name}", $"--regid={name}", "--clear-groups", "--no-new-privs"];
        if (!EveryoneMayPass(dataFolder) || !EveryoneMayPass(binaries))
        {
            var capability = SearchCapability();

            // Without the secure bit, access(2), by which initdb looks for its siblings, would not count the capability.
            prefix.AddRange(["--securebits=+no_setuid_fixup", $"--inh-caps=-all,+{capability}", $"--ambient-caps=-all,+{capability}", $"--bounding-set=-all,+{capability}"]);
        }

        return new(name, prefix, other: true);
    }

    /// <summary>Gives a file or folder, with all that is in it, to the account.</summary>
    public async Task TakeAsync(string path, CancellationToken cancellationToken)
    {
        if (_other)
        {
            var result = await Command.RunAsync(["chown", "-R", Name, path], "/", cancellationToken);
            if (result.ExitCode != 0)
            {
                throw new EmbeddedPostgresException($"{path} cannot be given to user {Name}: {result.Output.Trim()}");
            }
        }
    }

    /// <summary>Runs a program as the account, in a directory it may stand in.</summary>
    public Task<Command> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        Command.RunAsync([.. _prefix, program, .. arguments], "/", cancellationToken);

    private static string SearchCapability()
    {
        var held = File.ReadLines("/proc/self/status").First(line => line.StartsWith("CapPrm:", StringComparison.Ordinal))["CapPrm:".Length..].Trim();
        var bits = ulong.Parse(held, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        foreach (var (name, bit) in SearchCapabilities)
        {
            if ((bits & (1UL << bit)) != 0)
            {
                return name;
            }
        }

        throw new EmbeddedPostgresException("The data folder lies under a folder that only root can enter, and this root has no capability to pass on. Choose another --data.");
    }

    private static bool EveryoneMayPass(string path)
    {
        for (var folder = new DirectoryInfo(path); folder is not null; folder = folder.Parent)
        {
            if (folder.Exists && !folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>A finished command: its exit code and what it said.</summary>
internal sealed record Command(int ExitCode, string Output)
{
    public static async Task<Command> RunAsync(IReadOnlyList<string> line, string folder, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(line[0], line.Skip(1)) { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();

            // A daemon that inherits the pipes would keep them open: what counts is the exit of the command itself.
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            var said = await Task.WhenAll(output, error).WaitAsync(TimeSpan.FromSeconds(2), cancellationToken);
            return new(process.ExitCode, string.Concat(said));
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new EmbeddedPostgresException($"'{line[0]}' cannot be run: {exception.Message}");
        }
    }
}
