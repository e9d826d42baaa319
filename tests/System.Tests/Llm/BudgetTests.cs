using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary>One budget, many callers, two silos.</summary>
public sealed class BudgetTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private const int Callers = 500;
    private const int Limit = 4000;
    private const int TokensOfACall = 16;

    [Fact]
    public async Task Budget_OfTokens_Under500ConcurrentCallersOnTwoSilos_IsNotOvershot()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        var id = await MakeAsync(rig, new { displayName = "tokens", subject = new { type = "key", id = rig.KeyId }, period = "month", tokens = Limit });
        using (var first = await rig.ChatAsync("hello", more: ",\"max_tokens\":50"))
        {
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        }

        // reservations of streams under way are what concurrent callers compete for
        var gate = new TaskCompletionSource();
        var calls = Enumerable.Range(0, Callers).Select(async i =>
        {
            await gate.Task;
            using var answer = await rig.ChatAsync("script:slow", stream: true, more: ",\"max_tokens\":50", silo: i % 2);
            await answer.Content.ReadAsStringAsync();
            return (answer.StatusCode, After: answer.Headers.RetryAfter?.Delta);
        }).ToList();
        gate.SetResult();
        var answers = await Task.WhenAll(calls);

        // then one after the other, until nothing fits any more
        var allowed = answers.Count(answer => answer.StatusCode == HttpStatusCode.OK) + 1;
        while (true)
        {
            using var answer = await rig.ChatAsync("hello", more: ",\"max_tokens\":50", silo: allowed % 2);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                Assert.Equal(HttpStatusCode.PaymentRequired, answer.StatusCode);
                Assert.Contains("begins anew at", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
                break;
            }

            allowed++;
        }

        var standing = await Eventually.ReadAsync("budget", "nothing reserved", TimeSpan.FromSeconds(10), () => StandingAsync(id), one => one["reservations"]!.GetValue<int>() == 0);
        var spent = standing["spentTokens"]!.GetValue<long>();
        Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"budget of {Limit} tokens, {Callers} callers at once on two silos: {allowed} calls allowed, {answers.Count(answer => answer.StatusCode == HttpStatusCode.PaymentRequired)} refused with 402; {spent} tokens spent, overshoot {Math.Max(0, spent - Limit)} (bound: one reservation, ≈ 75 tokens)"));
        Assert.Equal(allowed * TokensOfACall, spent);
        Assert.InRange(spent, Limit - 150, Limit);
        Assert.All(answers, answer => Assert.True(answer.StatusCode == HttpStatusCode.OK || (answer.StatusCode == HttpStatusCode.PaymentRequired && answer.After > TimeSpan.Zero), $"{answer}"));
    }

    [Fact]
    public async Task Budget_OfRequestsAMinute_OverTwoSilos_IsExact()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        await MakeAsync(rig, new { displayName = "requests", subject = new { type = "key", id = rig.KeyId }, requestsPerMinute = 40 });
        await Task.Delay(TimeSpan.FromSeconds(1));
        var answers = await Task.WhenAll(Enumerable.Range(0, 120).Select(async i =>
        {
            using var answer = await rig.ChatAsync("hello", silo: i % 2);
            return (answer.StatusCode, After: answer.Headers.RetryAfter?.Delta);
        }));
        var allowed = answers.Count(answer => answer.StatusCode == HttpStatusCode.OK);
        Output.WriteLine($"40 requests a minute, 120 at once on two silos: {allowed} allowed (bound 40; 80 when the minute turned)");
        Assert.InRange(allowed, 36, 80);
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.TooManyRequests && answer.After <= TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Budget_OfMoney_CountsByThePricesOfTheModel()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        using var listed = await Cluster.SendAsync(HttpMethod.Get, $"/api/models?modelProvider={rig.OpenAi}");
        var model = JsonNode.Parse(await listed.Content.ReadAsStringAsync())!["items"]!.AsArray().Single(one => one!["targetModel"]!.GetValue<string>() == "gpt-test")!["id"]!.GetValue<string>();
        using (await Cluster.SendAsync(HttpMethod.Put, $"/api/models/{model}", new { prices = new { input = 1000, output = 10_000, cachedInput = 500 } }))
        {
        }

        var id = await MakeAsync(rig, new { displayName = "money", subject = new { type = "key", id = rig.KeyId }, period = "day", usd = 1.00 });
        await Task.Delay(TimeSpan.FromSeconds(1));
        using (var answer = await rig.ChatAsync("hello", more: ",\"max_tokens\":50"))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        var standing = await Eventually.ReadAsync("budget", "settled", TimeSpan.FromSeconds(5), () => StandingAsync(id), one => one["spentUsd"]!.GetValue<decimal>() > 0);
        Assert.Equal(0.048m, standing["spentUsd"]!.GetValue<decimal>());
        using var refused = await rig.ChatAsync("hello", more: ",\"max_tokens\":95");
        Assert.Equal(HttpStatusCode.PaymentRequired, refused.StatusCode);
    }

    private async Task<string> MakeAsync(LlmRig rig, object budget)
    {
        var id = (await rig.PostAsync("/api/llm-budgets", budget))["id"]!.GetValue<string>();
        rig.Adopt($"/api/llm-budgets/{id}");
        await Task.Delay(TimeSpan.FromSeconds(1));
        return id;
    }

    private async Task<JsonNode> StandingAsync(string id)
    {
        using var response = await Cluster.SendAsync(HttpMethod.Get, $"/api/llm-budgets/{id}/standing");
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }
}
