using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway;

/// <summary>What a gateway silo measures. No name of a server, user or tool is a tag.</summary>
internal static class GatewayInstruments
{
    private static readonly Meter Meter = new("Obot.Gateway");
    private static readonly InstrumentAdvice<double> Calls = new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] };
    private static readonly Histogram<double> Requests = Meter.CreateHistogram("obot.gateway.request.duration", "s", "MCP requests, from their head to the end of the answer; streams included", advice: Calls);
    private static readonly Histogram<double> Wakes = Meter.CreateHistogram("obot.gateway.wake.duration", "s", "What the first callers waited for a server that slept, started or had to be found", advice: Calls);
    private static readonly UpDownCounter<int> Guards = Meter.CreateUpDownCounter<int>("obot.guards.connected", "{guard}", "Control channels of guards that this silo holds");
    private static readonly Counter<long> Dropped = Meter.CreateCounter<long>("obot.audit.dropped", "{record}", "Records of calls that guards could not keep");

    public static bool MeasuresRequests => Requests.Enabled;

    public static void Answered(HttpContext context, TimeSpan duration) => Requests.Record(
        duration.TotalSeconds,
        new("http.request.method", Method(context.Request.Method)),
        new("http.response.status_code", context.Response.StatusCode));

    public static void Woke(TimeSpan duration, ServerRoute? route) => Wakes.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", route is null ? "timed_out" : route.Status is DeploymentStatus.Running ? "running" : "failed"));

    public static void GuardCame() => Guards.Add(1);

    public static void GuardWent() => Guards.Add(-1);

    public static void RecordsDropped(long count) => Dropped.Add(count);

    /// <summary>Methods of callers' own making are no tags.</summary>
    private static string Method(string method) => HttpMethods.IsPost(method) || HttpMethods.IsGet(method) || HttpMethods.IsDelete(method) ? method : "_OTHER";
}
