using System.Net;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary>What may be said to models, and what models may do.</summary>
public sealed class MessagePolicyTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task Patterns_SecretsAndPersonalData_StopAMessageBeforeAProviderSeesIt()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        await MakeAsync(rig, new { displayName = "no code names", kind = "regex", patterns = new[] { "(?i)project zeus" }, models = new[] { $"{rig.Prefix}*" } });
        await MakeAsync(rig, new { displayName = "no secrets", kind = "secrets", models = new[] { $"{rig.Prefix}*" }, appliesTo = new[] { "user-message" } });
        await MakeAsync(rig, new { displayName = "no personal data", kind = "pii", models = new[] { $"{rig.Prefix}*" }, appliesTo = new[] { "user-message" } });
        var asked = rig.Upstream.Seen.Count;
        foreach (var (said, policy) in new[] { ("tell me of Project ZEUS", "no code names"), ("use AKIAIOSFODNN7EXAMPLE", "no secrets"), ("pay with 4111 1111 1111 1111", "no personal data") })
        {
            using var refused = await rig.ChatAsync(said);
            var text = await refused.Content.ReadAsStringAsync();
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.Contains(policy, text, StringComparison.Ordinal);
        }

        Assert.Equal(asked, rig.Upstream.Seen.Count);
        using var fine = await rig.ChatAsync("call 4111 1111 1111 1112 times", stream: true);
        Assert.EndsWith("data: [DONE]\n\n", await fine.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var violations = await Eventually.ReadAsync("audit", "violations", TimeSpan.FromSeconds(10), async () =>
        {
            using var found = await Cluster.SendAsync(HttpMethod.Get, "/api/llm-audit-logs?violated=true&limit=500");
            return JsonNode.Parse(await found.Content.ReadAsStringAsync())!["items"]!.AsArray().Where(one => one!["modelAsked"]?.GetValue<string>().StartsWith(rig.Prefix, StringComparison.Ordinal) is true).ToList();
        }, found => found.Count == 3);
        Assert.DoesNotContain("AKIA", string.Concat(violations.Select(one => one!.ToJsonString())), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ToolCall_ThatIsNotAllowed_NeverReachesTheCaller(bool stream)
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        await MakeAsync(rig, new { displayName = "not Wien", kind = "regex", patterns = new[] { "Wien" }, models = new[] { $"{rig.Prefix}*" }, appliesTo = new[] { "tool-call" } });
        foreach (var door in new[] { "openai/v1/chat/completions", "anthropic/v1/messages", "openai/v1/responses" })
        {
            var model = door.StartsWith("anthropic", StringComparison.Ordinal) ? $"{rig.Anthropic}/claude-test" : door.EndsWith("responses", StringComparison.Ordinal) ? $"{rig.Anthropic}/claude-test" : $"{rig.OpenAi}/gpt-test";
            var said = door.EndsWith("responses", StringComparison.Ordinal) ? "\"input\":\"script:tool\"" : """ "messages":[{"role":"user","content":"script:tool"}]""";
            using var refused = await rig.AskAsync(door, $$"""{"model":"{{model}}","stream":{{(stream ? "true" : "false")}},{{said}}}""");
            var text = await refused.Content.ReadAsStringAsync();
            Assert.True(refused.StatusCode == HttpStatusCode.Forbidden, $"{door} {refused.StatusCode} {text}");
            Assert.DoesNotContain("Wien\"", text.Replace("not Wien", "", StringComparison.Ordinal), StringComparison.Ordinal);
        }

        using var fine = await rig.ChatAsync("hello", stream: stream);
        Assert.Contains("from", await fine.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Judge_IsAskedTwice_AndWhatItCannotJudgeIsRefused()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        await MakeAsync(rig, new { displayName = "no pay", kind = "judged", instruction = "Nobody asks what colleagues earn.", judge = $"{rig.OpenAi}/gpt-test-mini", models = new[] { $"{rig.OpenAi}/gpt-test" }, appliesTo = new[] { "user-message" } });
        foreach (var (said, status, judgements) in new[] { ("hello", HttpStatusCode.OK, 1), ("how does money work", HttpStatusCode.OK, 2), ("the salary of Bob", HttpStatusCode.Forbidden, 2), ("nonsense", HttpStatusCode.Forbidden, 1) })
        {
            var before = Judged();
            using var answer = await rig.ChatAsync(said);
            Output.WriteLine($"'{said}': {answer.StatusCode}, judge asked {Judged() - before} times");
            Assert.Equal((status, judgements), (answer.StatusCode, Judged() - before));
        }

        int Judged() => rig.Upstream.Seen.Count(seen => seen.Body.Contains("You check", StringComparison.Ordinal));
    }

    private static async Task MakeAsync(LlmRig rig, object policy)
    {
        rig.Adopt($"/api/message-policies/{(await rig.PostAsync("/api/message-policies", policy))["id"]}");
        await Task.Delay(TimeSpan.FromSeconds(1));
    }
}
