using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Obot.Benchmarks.Load;

/// <summary><c>load --url U --concurrency N --warmup S --seconds S [--key K]</c>: prints one <see cref="LoadResult"/> as JSON.</summary>
internal static class LoadCommand
{
    private const int StackBytes = 256 * 1024;

    public static int Run(Arguments arguments)
    {
        var url = new Uri(arguments.Text("--url"));
        var template = new CallTemplate(url, arguments.Find("--key"));
        var server = new IPEndPoint(IPAddress.Parse(url.Host), url.Port);
        var connections = Enumerable.Range(0, (int)arguments.Number("--concurrency", 1)).Select(number => new LoadConnection(server, template, number)).ToArray();
        var measureFrom = Stopwatch.GetTimestamp() + Ticks(arguments.Number("--warmup", 1));
        var until = measureFrom + Ticks(arguments.Number("--seconds", 8));
        var failure = new StrongBox<Exception?>();
        var threads = connections.Select(connection => new Thread(() => Guarded(connection, measureFrom, until, failure), StackBytes)).ToArray();
        foreach (var thread in threads)
        {
            thread.Start();
        }

        foreach (var thread in threads)
        {
            thread.Join();
        }

        if (failure.Value is { } fault)
        {
            Console.Error.WriteLine(fault);
            return 1;
        }

        var elapsed = Stopwatch.GetElapsedTime(measureFrom).TotalSeconds;
        var times = connections.SelectMany(connection => connection.Times).Order().ToArray();
        Console.WriteLine(JsonSerializer.Serialize(
            new LoadResult(times.Length, connections.Sum(connection => connection.Calls), elapsed, Percentile(times, 0.5), Percentile(times, 0.99)),
            JsonSerializerOptions.Web));
        return 0;
    }

    private static void Guarded(LoadConnection connection, long measureFrom, long until, StrongBox<Exception?> failure)
    {
        try
        {
            connection.Run(measureFrom, until);
        }
        catch (Exception fault)
        {
            failure.Value = fault;
        }
    }

    private static long Ticks(double seconds) => (long)(seconds * Stopwatch.Frequency);

    private static double Percentile(long[] sorted, double part) =>
        sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * part))] * 1e6 / Stopwatch.Frequency;
}
