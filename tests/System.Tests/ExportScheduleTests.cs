using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Exports by schedule, through the management API and grains.</summary>
public sealed class ExportScheduleTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Schedule_ExportsEachPeriodThatIsOver_OnceAndForTheRightPeople()
    {
        await ExportedRecords.AddAsync(Cluster, 300);
        using (var test = await Cluster.SendAsync(HttpMethod.Post, "/api/storage-credentials/default/test"))
        {
            Assert.True((await test.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("ok").GetBoolean());
        }

        var body = new { schedule = "hourly", filters = new { mcpServerID = "ms1test" } };
        using var made = await Cluster.Http.PostAsJsonAsync("/api/scheduled-audit-log-exports", body, Cancellation);
        var schedule = await made.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        var id = schedule.GetProperty("id").GetString()!;

        // three hours went by
        await People.ExecuteAsync(Cluster, $"UPDATE scheduled_audit_log_exports SET next_from = next_from - interval '3 hours' WHERE id = '{id}'");
        (await Cluster.SendAsync(HttpMethod.Put, $"/api/scheduled-audit-log-exports/{id}", body)).Dispose();
        (await Cluster.SendAsync(HttpMethod.Put, $"/api/scheduled-audit-log-exports/{id}", body)).Dispose();
        var exports = await Eventually.ReadAsync("exports", "three completed", Limit, () => ListAsync(id), list => list.Count >= 2 && list.All(export => export!["state"]!.GetValue<string>() == "Completed"));
        var froms = exports.Select(export => export!["startTime"]!.GetValue<DateTimeOffset>()).Order().ToList();
        Assert.Equal(froms.Distinct(), froms);
        Assert.All(froms.Zip(froms.Skip(1)), pair => Assert.Equal(TimeSpan.FromHours(1), pair.Second - pair.First));
        Assert.InRange(exports.Count, 2, 3);
        var lines = exports.SelectMany(export => ExportedRecords.Of(Cluster, export!)).ToList();
        Assert.NotEmpty(lines);
        Assert.Equal(lines.Count, lines.Select(line => line["id"]!.GetValue<string>()).Distinct(StringComparer.Ordinal).Count());
        Assert.All(lines, line => Assert.Null(line["requestBody"]));
        Assert.All(lines, line => Assert.InRange(line["createdAt"]!.GetValue<DateTimeOffset>(), froms[0], froms[^1].AddHours(1)));

        var basic = await People.AddAsync(Cluster, "PowerPlus");
        using var asBasic = Rules.As(Cluster, basic);
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, (await asBasic.GetAsync(new Uri("/api/audit-log-exports", UriKind.Relative), Cancellation)).StatusCode);

        (await Cluster.SendAsync(HttpMethod.Delete, $"/api/scheduled-audit-log-exports/{id}")).Dispose();
    }

    private async Task<IReadOnlyList<JsonNode>> ListAsync(string schedule)
    {
        using var response = await Cluster.SendAsync(HttpMethod.Get, "/api/audit-log-exports");
        return [.. JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!["items"]!.AsArray().Where(export => export!["scheduleID"]?.GetValue<string>() == schedule).Select(export => export!)];
    }
}
