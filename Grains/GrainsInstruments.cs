using System.Diagnostics.Metrics;

namespace Obot.Grains;

/// <summary>What grains and writers measure. No grain key is a tag.</summary>
internal static class GrainsInstruments
{
    private static readonly Meter Meter = new("Obot.Grains");
    private static readonly InstrumentAdvice<double> Long = new() { HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] };
    private static readonly InstrumentAdvice<double> Short = new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] };
    private static readonly Histogram<double> Starts = Meter.CreateHistogram("obot.server.start.duration", "s", "Starts of MCP servers, by backend and outcome", advice: Long);
    private static readonly Counter<long> Ends = Meter.CreateCounter<long>("obot.server.ends", "{server}", "MCP servers that ended: broke down, or were stopped");
    private static readonly Counter<long> Records = Meter.CreateCounter<long>("obot.records.written", "{record}", "Rows of audit and usage that are committed, by table");
    private static readonly Histogram<double> Commits = Meter.CreateHistogram("obot.records.commit.duration", "s", "From the first row of a batch to its commit, by table and outcome", advice: Short);
    private static readonly Counter<long> Refreshes = Meter.CreateCounter<long>("obot.credential.refreshes", "{refresh}", "Refresh requests to authorization servers of third parties");
    private static readonly Counter<long> Runs = Meter.CreateCounter<long>("obot.conversation.runs", "{run}", "Answers of conversations that came to an end, by outcome");

    public static void Started(string? backend, bool runs, TimeSpan duration) => Starts.Record(duration.TotalSeconds, new("backend", backend ?? "none"), new("outcome", runs ? "running" : "failed"));

    public static void Ended(bool brokeDown) => Ends.Add(1, new KeyValuePair<string, object?>("cause", brokeDown ? "broke_down" : "stopped"));

    public static void Wrote(string table, int rows, TimeSpan duration, bool committed)
    {
        if (committed)
        {
            Records.Add(rows, new KeyValuePair<string, object?>("table", table));
        }

        Commits.Record(duration.TotalSeconds, new("table", table), new("outcome", committed ? "committed" : "failed"));
    }

    public static void Refreshed(bool renewed) => Refreshes.Add(1, new KeyValuePair<string, object?>("outcome", renewed ? "renewed" : "failed"));

    public static void RunEnded(string status) => Runs.Add(1, new KeyValuePair<string, object?>("outcome", status.ToLowerInvariant()));
}
