using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary>A silo is killed under load: every call of a model that a client saw answered has one record.</summary>
[Collection(Alone.Name)]
public sealed class LlmLossTests(ITestOutputHelper output)
{
    private const int Clients = 12;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silo_KilledUnderLoad_LosesNoRecordOfAnAnsweredCall_AndDoublesNone()
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2);
        await using var rig = await LlmRig.StartAsync(cluster);
        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        var answered = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        var unanswered = 0;
        using var done = new CancellationTokenSource();
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
        var load = Enumerable.Range(0, Clients).Select(LoadAsync).ToList();
        await Eventually.TrueAsync("calls", "under way", TimeSpan.FromSeconds(60), () => answered.Count > 500);
        Signals.Send(cluster.SiloPids()[0]!.Value, Signal.Kill);
        var atTheKill = answered.Count;
        await Eventually.TrueAsync("calls", "going on at the other silo", TimeSpan.FromSeconds(60), () => answered.Count > atTheKill + 300);
        await done.CancelAsync();
        await Task.WhenAll(load);

        var clock = Stopwatch.StartNew();
        var records = await Eventually.ReadAsync("records", "all there", TimeSpan.FromSeconds(60), RecordsAsync, found => answered.Keys.All(found.ContainsKey));
        var losses = answered.Keys.Count(name => !records.ContainsKey(name));
        var duplicates = records.Values.Sum(count => count - 1);
        output.WriteLine($"{answered.Count} calls answered ({answered.Values.Count(stream => stream)} streamed), {unanswered} not; {records.Count} records, {duplicates} duplicates (bound 0), {losses} losses (bound 0); complete {clock.Elapsed.TotalSeconds:0.0} s after the load");
        Assert.Equal((0, 0), (losses, duplicates));

        // what the clients used stands in the sums once
        using var sums = await cluster.SendAsync(HttpMethod.Get, "/api/token-usage?groupBy=provider", silo: 1);
        var mine = JsonNode.Parse(await sums.Content.ReadAsStringAsync(Cancellation))!["items"]!.AsArray().Single(row => row!["modelProvider"]?.GetValue<string>() == rig.OpenAi)!;
        Assert.Equal(records.Count, mine["calls"]!.GetValue<int>());

        async Task LoadAsync(int number)
        {
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                var name = $"loss-{number}-{i}";
                var stream = i % 2 == 0;
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(cluster.Urls[number % 2], "/api/llm-proxy/openai/v1/chat/completions"))
                {
                    Content = new StringContent($$"""{"model":"{{rig.OpenAi}}/gpt-test","messages":[{"role":"user","content":"hello"}],"stream":{{(stream ? "true" : "false")}}}""", Encoding.UTF8, "application/json"),
                };
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", rig.Key);
                request.Headers.UserAgent.ParseAdd(name);
                try
                {
                    using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
                    var text = await answer.Content.ReadAsStringAsync(Cancellation);
                    if (answer.IsSuccessStatusCode && text.TrimEnd().EndsWith(stream ? "[DONE]" : "}", StringComparison.Ordinal))
                    {
                        answered[name] = stream;
                    }
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    Interlocked.Increment(ref unanswered);
                    await Task.Delay(200, Cancellation);
                }
            }
        }

        async Task<Dictionary<string, int>> RecordsAsync()
        {
            var found = new Dictionary<string, int>(StringComparer.Ordinal);
            for (string? cursor = ""; cursor is not null;)
            {
                using var response = await cluster.SendAsync(HttpMethod.Get, $"/api/llm-audit-logs?modelProvider={rig.OpenAi}&limit=500&cursor={cursor}", silo: 1);
                var page = JsonNode.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation))!;
                foreach (var client in page["items"]!.AsArray().Select(item => item!["client"]!.GetValue<string>()))
                {
                    found[client] = found.GetValueOrDefault(client) + 1;
                }

                cursor = page["nextCursor"]?.GetValue<string>();
            }

            return found;
        }
    }
}
