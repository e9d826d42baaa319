using System.Globalization;

namespace Obot.Benchmarks.Lots;

internal static class CpuTime
{
    /// <summary>proc(5): <c>stat</c> counts in units of USER_HZ, which is 100 on every Linux.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>Seconds in user and kernel mode; 0 where there is no such process or no <c>/proc</c>.</summary>
    public static double Of(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
