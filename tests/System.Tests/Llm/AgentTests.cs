using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary>
/// Coding agents of both vendors, by the variables that docs/llm-gateway.md tells, against a scripted upstream. They are 800 MB, so only with
/// <c>OBOT_TEST_ALL</c>.
/// </summary>
public sealed class AgentTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task ClaudeCode_AnswersAPrompt_ThroughTheAnthropicDoor()
    {
        await InstallAsync();
        using var home = new Scratch("claude");
        await using var rig = await LlmRig.StartAsync(Cluster);
        var said = (await ProcessRunner.RunAsync(
            Path.Combine(Npm.Agents, "node_modules", ".bin", "claude"),
            ["-p", "Say hello."],
            Patience,
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["HOME"] = home.Folder,
                ["ANTHROPIC_BASE_URL"] = rig.AnthropicDoor().ToString(),
                ["ANTHROPIC_AUTH_TOKEN"] = rig.Key,
                ["ANTHROPIC_MODEL"] = $"{rig.Anthropic}/claude-test",
                ["ANTHROPIC_DEFAULT_HAIKU_MODEL"] = $"{rig.Anthropic}/claude-test",
                ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1",
            },
            home.Folder)).Checked();
        Assert.Contains(Scripts.Text, said.Output, StringComparison.Ordinal);
        await RecordedAsync(rig.Anthropic, "claude");
    }

    [Fact]
    public async Task Codex_AnswersAPrompt_ThroughTheResponsesDoor()
    {
        await InstallAsync();
        using var home = new Scratch("codex");
        await using var rig = await LlmRig.StartAsync(Cluster);
        await File.WriteAllTextAsync(Path.Combine(home.Folder, "config.toml"), $"""
            model = "{rig.OpenAi}/gpt-test"
            model_provider = "obot"

            [model_providers.obot]
            name = "Obot"
            base_url = "{rig.OpenAiDoor()}"
            env_key = "OBOT_API_KEY"
            wire_api = "responses"
            """);
        var said = (await ProcessRunner.RunAsync(
            Path.Combine(Npm.Agents, "node_modules", ".bin", "codex"),
            ["exec", "--skip-git-repo-check", "--sandbox", "read-only", "Say hello."],
            Patience,
            new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = home.Folder, ["CODEX_HOME"] = home.Folder, ["OBOT_API_KEY"] = rig.Key },
            home.Folder)).Checked();
        Assert.Contains(Scripts.Text, said.Output, StringComparison.Ordinal);
        await RecordedAsync(rig.OpenAi, "codex");
    }

    private static async Task InstallAsync()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is { Length: > 0 }, "LEFT OUT: Claude Code and Codex as clients (800 MB from npm); set OBOT_TEST_ALL");
        await Npm.EnsureInstalledAsync(Npm.Agents);
    }

    /// <summary>The call is in the audit log, under the agent's own name.</summary>
    private async Task RecordedAsync(string provider, string client)
    {
        var items = await Eventually.ReadAsync(
            "audit",
            $"a call of {client}",
            TimeSpan.FromSeconds(10),
            async () =>
            {
                using var found = await Cluster.SendAsync(HttpMethod.Get, $"/api/llm-audit-logs?modelProvider={provider}");
                return JsonNode.Parse(await found.Content.ReadAsStringAsync())!["items"]!.AsArray();
            },
            found => found.Any(item => item!["status"]!.GetValue<int>() == 200 && item["client"]?.GetValue<string>().Contains(client, StringComparison.OrdinalIgnoreCase) is true));
        Output.WriteLine($"{client}: {items.Count} calls, as {items[0]!["client"]}");
    }
}
