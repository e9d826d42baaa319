using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>What an operator's tools see.</summary>
public sealed partial class TelemetryTests(ITestOutputHelper output)
{
    private const string MetricsToken = "metrics-4711";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Metrics_AreScraped_AndSentByOtlp_WithoutNames()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var cluster = await ObotCluster.StartAsync(
            1,
            ("Obot__Telemetry__MetricsToken", MetricsToken),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url.GetLeftPart(UriPartial.Authority)),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000"));
        var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("measured"));
        using var client = cluster.Connect(server);
        Assert.Equal(200, (await client.ToolAsync("echo", new JsonObject { ["size"] = 10 }, cancellationToken: TestContext.Current.CancellationToken)).Status);

        using var http = new HttpClient { BaseAddress = cluster.Urls[0] };
        using (var refused = await http.GetAsync(new Uri("/metrics", UriKind.Relative)))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", MetricsToken);
        var text = await Eventually.ReadAsync(
            "/metrics",
            "tells of the call and its record",
            Limit,
            () => http.GetStringAsync(new Uri("/metrics", UriKind.Relative)),
            text => text.Contains("obot_gateway_request_duration_seconds_count", StringComparison.Ordinal) && text.Contains("obot_records_written_total", StringComparison.Ordinal));
        Assert.All(
            ["obot_gateway_wake_duration_seconds_count", "obot_server_start_duration_seconds_count", "obot_guards_connected", "orleans_", "dotnet_process_", "db_client_"],
            name => Assert.Contains(name, text, StringComparison.Ordinal));
        Assert.All([server.Id, "measured", "bootstrap", "echo", cluster.Token], name => Assert.DoesNotContain(name, text, StringComparison.OrdinalIgnoreCase));

        await Eventually.TrueAsync("the collector", "given metrics and traces", Limit, () => collector.Paths.Contains("/v1/metrics") && collector.Paths.Contains("/v1/traces"));
        output.WriteLine($"{Series().Count(text)} series, {text.Length / 1024} KiB a scrape");
    }

    [GeneratedRegex("^[a-z_:]+[{ ]", RegexOptions.Multiline, 1000)]
    private static partial Regex Series();
}
