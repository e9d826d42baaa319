using System.Globalization;
using System.Text;

namespace Obot.SystemTests.Rig;

/// <summary>What Linux tells about processes. A process that is gone has no children, no handles and no memory.</summary>
internal static class Proc
{
    public static bool Exists(int pid) => State(pid) is not (null or 'Z' or 'X');

    /// <summary>One letter of proc(5): <c>T</c> is stopped, <c>Z</c> a zombie; null when there is no such process.</summary>
    public static char? State(int pid) => Stat(pid) is { } stat ? stat[0][0] : null;

    public static int? Parent(int pid) => Stat(pid) is { } stat ? Number(stat[1]) : null;

    public static IReadOnlyList<int> Children(int pid) => [.. All().Where(other => Parent(other) == pid && Exists(other))];

    public static IReadOnlyList<int> Descendants(int pid)
    {
        var parents = All().Where(Exists).Select(other => (Pid: other, Parent: Parent(other))).ToLookup(pair => pair.Parent, pair => pair.Pid);
        var found = new List<int>();
        var open = new Queue<int>([pid]);
        while (open.TryDequeue(out var next))
        {
            foreach (var child in parents[next])
            {
                found.Add(child);
                open.Enqueue(child);
            }
        }

        return found;
    }

    public static IReadOnlyList<string> CommandLine(int pid) => Zeroes(Read(pid, "cmdline"));

    public static IReadOnlyList<string> Environment(int pid) => Zeroes(Read(pid, "environ"));

    public static long ResidentBytes(int pid) =>
        Read(pid, "statm").Split(' ') is [_, var pages, ..] ? long.Parse(pages, CultureInfo.InvariantCulture) * System.Environment.SystemPageSize : 0;

    public static int Handles(int pid)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Count();
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Processes whose command line or environment holds the text, ourselves left out.</summary>
    public static IReadOnlyList<int> Mentioning(string text) =>
    [
        .. All().Where(pid => pid != System.Environment.ProcessId && Exists(pid)
            && (CommandLine(pid).Any(part => part.Contains(text, StringComparison.Ordinal))
                || Environment(pid).Any(part => part.Contains(text, StringComparison.Ordinal)))),
    ];

    /// <summary>The process that listens on a TCP port of this host.</summary>
    public static int? ListenerOf(int port)
    {
        var inodes = TcpListeners().Where(listener => listener.Port == port).Select(listener => $"socket:[{listener.Inode}]").ToHashSet(StringComparer.Ordinal);
        return All().Where(Exists).FirstOrDefault(pid => Sockets(pid).Any(inodes.Contains)) is var found and > 0 ? found : null;
    }

    /// <summary>Which of the processes have a connection to a TCP port of this host.</summary>
    public static IReadOnlyList<int> ConnectedTo(int port, IEnumerable<int> pids)
    {
        var remote = port.ToString("X4", CultureInfo.InvariantCulture);
        var inodes = ((string[])["/proc/net/tcp", "/proc/net/tcp6"]).Where(File.Exists).SelectMany(File.ReadLines).Select(Fields)
            .Where(field => field.Length > 9 && string.Equals(field[3], "01", StringComparison.Ordinal) && field[2].EndsWith(":" + remote, StringComparison.Ordinal))
            .Select(field => $"socket:[{field[9]}]").ToHashSet(StringComparer.Ordinal);
        return [.. pids.Where(pid => Sockets(pid).Any(inodes.Contains))];
    }

    public static IReadOnlyList<int> TcpPortsOf(int pid)
    {
        var sockets = Sockets(pid).ToHashSet(StringComparer.Ordinal);
        return [.. TcpListeners().Where(listener => sockets.Contains($"socket:[{listener.Inode}]")).Select(listener => listener.Port).Distinct()];
    }

    /// <summary>Paths of the Unix sockets on which a process listens.</summary>
    public static IReadOnlyList<string> UnixSocketsOf(int pid)
    {
        var sockets = Sockets(pid).ToHashSet(StringComparer.Ordinal);
        return
        [
            // Num RefCount Protocol Flags Type St Inode Path; the flag is __SO_ACCEPTCON
            .. File.ReadLines("/proc/net/unix").Skip(1).Select(Fields)
                .Where(field => field.Length >= 8 && string.Equals(field[3], "00010000", StringComparison.Ordinal) && sockets.Contains($"socket:[{field[6]}]"))
                .Select(field => field[7]),
        ];
    }

    private static IEnumerable<(int Port, string Inode)> TcpListeners() =>
        ((string[])["/proc/net/tcp", "/proc/net/tcp6"]).Where(File.Exists).SelectMany(File.ReadLines).Select(Fields)
            .Where(field => field.Length > 9 && string.Equals(field[3], "0A", StringComparison.Ordinal))
            .Select(field => (int.Parse(field[1].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture), field[9]));

    private static IEnumerable<string> Sockets(int pid)
    {
        string[] handles;
        try
        {
            handles = Directory.GetFileSystemEntries($"/proc/{pid}/fd");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            yield break;
        }

        foreach (var handle in handles)
        {
            string? target;
            try
            {
                target = new FileInfo(handle).LinkTarget;
            }
            catch (IOException)
            {
                continue;
            }

            if (target?.StartsWith("socket:", StringComparison.Ordinal) is true)
            {
                yield return target;
            }
        }
    }

    private static IEnumerable<int> All() =>
        Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Select(name => int.TryParse(name, CultureInfo.InvariantCulture, out var pid) ? pid : 0).Where(pid => pid > 0);

    /// <summary>Fields of proc(5) <c>stat</c> after the name, which may hold blanks and parentheses.</summary>
    private static string[]? Stat(int pid) =>
        Read(pid, "stat") is { Length: > 0 } stat ? stat[(stat.LastIndexOf(')') + 2)..].Split(' ') : null;

    private static string[] Fields(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Zeroes(string text) => text.Split('\0', StringSplitOptions.RemoveEmptyEntries);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static string Read(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}", Encoding.UTF8);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
