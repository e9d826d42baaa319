using System.Diagnostics;
using System.Globalization;

namespace Obot.Silo.Postgres;

/// <summary>PostgreSQL's <c>postmaster.pid</c>: line 1 the pid, line 4 the port.</summary>
internal sealed record PostmasterLock(int Pid, int Port, string Cluster)
{
    /// <summary>The pid belongs to a PostgreSQL and not to somebody who got its number later.</summary>
    public bool IsAlive
    {
        get
        {
            try
            {
                using var process = Process.GetProcessById(Pid);
                return process.ProcessName is "postgres" or "postmaster"
                    && (!OperatingSystem.IsLinux() || File.ReadAllText($"/proc/{Pid}/cmdline").Contains(Cluster, StringComparison.Ordinal));
            }
            catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or IOException)
            {
                return false;
            }
        }
    }

    public static PostmasterLock? Read(string cluster)
    {
        try
        {
            var lines = File.ReadAllLines(Path.Combine(cluster, "postmaster.pid"));
            return lines.Length >= 4 && int.TryParse(lines[0], CultureInfo.InvariantCulture, out var pid) && int.TryParse(lines[3], CultureInfo.InvariantCulture, out var port)
                ? new(pid, port, cluster)
                : null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Removes what a killed server left, where its pid now belongs to somebody else: PostgreSQL would refuse to start.</summary>
    public static void RemoveStale(string cluster)
    {
        if (Read(cluster) is not { IsAlive: true })
        {
            File.Delete(Path.Combine(cluster, "postmaster.pid"));
        }
    }
}
