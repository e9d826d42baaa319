using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary>What the LLM gateway does with a call before, while and after it is made.</summary>
public sealed class LlmGatewayTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Policy_OpensAndCloses_WithinASecond_OnEverySilo_ForOwnersToo()
    {
        await using var rig = await LlmRig.StartAsync(Cluster, allow: false);
        using (var denied = await rig.ChatAsync("hello"))
        {
            Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
            Assert.Contains("model access policy", await denied.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        var policy = await rig.AllowAsync($"{rig.OpenAi}/*");
        var opened = await WhenAsync(rig, HttpStatusCode.OK);
        using (await Cluster.SendAsync(HttpMethod.Delete, policy))
        {
        }

        var closed = await WhenAsync(rig, HttpStatusCode.Forbidden);
        Output.WriteLine($"policy in force on the other silo after {opened.TotalMilliseconds:0} ms, out of force after {closed.TotalMilliseconds:0} ms (bound 1000 ms)");
        Assert.InRange(opened.TotalSeconds + closed.TotalSeconds, 0, 20);
    }

    [Fact]
    public async Task Key_WithoutScope_WithoutKey_AndWithACookieOnly_IsRefused()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        var key = (await rig.PostAsync("/api/api-keys", new { name = "mcp only" }))["key"]!.GetValue<string>();
        using var wrong = await rig.AskAsync("openai/v1/chat/completions", "{}", key: key);
        using var none = await rig.AskAsync("anthropic/v1/messages", "{}", key: "nothing");
        using var visitor = await Visitor.OwnerAsync(Cluster);
        using var cookie = await visitor.Http.GetAsync(new Uri(Cluster.Urls[0], "/api/llm-proxy/openai/v1/models"));
        Assert.Equal([HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized], [wrong.StatusCode, none.StatusCode, cookie.StatusCode]);
        Assert.Equal("error", JsonNode.Parse(await none.Content.ReadAsStringAsync())!["type"]!.GetValue<string>());
    }

    [Fact]
    public async Task Provider_IsCheckedWhenSaved_AndItsSecretNeverComesOut()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        foreach (var (body, field) in new (object Body, string Field)[]
        {
            (new { id = "bad", kind = "openai", baseURL = rig.Upstream.OpenAiUrl, apiKey = "sk-wrong" }, "credentials"),
            (new { id = "bad", kind = "openai", baseURL = "http://127.0.0.1:9/v1", apiKey = "x" }, "baseURL"),
            (new { id = "bad", kind = "openai" }, "credentials.apiKey"),
            (new { id = "bad", kind = "nothing" }, "kind"),
        })
        {
            using var refused = await Cluster.SendAsync(HttpMethod.Post, "/api/model-providers", body);
            Assert.Equal((HttpStatusCode.BadRequest, field), (refused.StatusCode, JsonNode.Parse(await refused.Content.ReadAsStringAsync())!["field"]!.GetValue<string>()));
        }

        using var shown = await Cluster.SendAsync(HttpMethod.Get, $"/api/model-providers/{rig.OpenAi}");
        var text = await shown.Content.ReadAsStringAsync();
        Assert.DoesNotContain(ScriptedProvider.Key, text, StringComparison.Ordinal);
        Assert.Equal(3, JsonNode.Parse(text)!["modelCount"]!.GetValue<int>());
        using var moved = await Cluster.SendAsync(HttpMethod.Put, $"/api/model-providers/{rig.OpenAi}", new { baseURL = "http://127.0.0.1:9/v1" });
        Assert.Contains("belong to the old one", await moved.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Model_SwitchedOff_IsUnknown_AndAnAliasStandsForOne()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        var alias = $"{rig.Prefix}-llm";
        await rig.PostAsync("/api/default-model-aliases", new { alias, model = $"{rig.OpenAi}/gpt-test" });
        rig.Adopt($"/api/default-model-aliases/{alias}");
        using (var answer = await rig.ChatAsync("hello", model: alias))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("gpt-test", JsonNode.Parse(rig.Upstream.Last.Body)!["model"]!.GetValue<string>());
        }

        using var listed = await Cluster.SendAsync(HttpMethod.Get, $"/api/models?modelProvider={rig.OpenAi}");
        var id = JsonNode.Parse(await listed.Content.ReadAsStringAsync())!["items"]!.AsArray().Single(model => model!["targetModel"]!.GetValue<string>() == "gpt-test")!["id"]!.GetValue<string>();
        using (var off = await Cluster.SendAsync(HttpMethod.Put, $"/api/models/{id}", new { active = false }))
        {
            Assert.Equal(HttpStatusCode.OK, off.StatusCode);
        }

        await Eventually.ReadAsync("model", "unknown", Soon, async () => (await rig.ChatAsync("hello")).StatusCode, status => status == HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Unknown_FieldsAndHeaders_PassBothWays_AndCredentialsDoNot()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        using var answer = await rig.ChatAsync("hello", more: ""","x_new_field":{"a":[1.0,2e5]},"metadata":{"k":"\u00e9"}""");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("""x_new_field":{"a":[1.0,2e5]},"metadata":{"k":"\u00e9"}""", rig.Upstream.Last.Body, StringComparison.Ordinal);
        Assert.Contains("x_unknown", text, StringComparison.Ordinal);
        Assert.Equal("41", answer.Headers.GetValues("x-ratelimit-remaining-requests").Single());
        Assert.False(answer.Headers.Contains("openai-organization"));
        Assert.DoesNotContain(rig.Key, string.Join('\n', rig.Upstream.Last.Headers.Values), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TimeLimits_EndWaitingAndSilence_AndACancelledCallIsCancelledUpstream()
    {
        await using var rig = await LlmRig.StartAsync(Cluster, new { firstTokenSeconds = 0.5, betweenTokensSeconds = 0.5 });
        using (var hung = await rig.ChatAsync("script:hang"))
        {
            Assert.Equal(HttpStatusCode.GatewayTimeout, hung.StatusCode);
        }

        using (var silent = await rig.ChatAsync("script:silent", stream: true))
        {
            Assert.Contains("fell silent", await silent.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using (var slow = await rig.ChatAsync("script:slow", stream: true))
        {
            Assert.EndsWith("data: [DONE]\n\n", await slow.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        var before = rig.Upstream.Aborted;
        using (var cancel = new CancellationTokenSource())
        {
            var endless = await rig.ChatAsync("script:endless", stream: true, cancellationToken: cancel.Token);
            await using var stream = await endless.Content.ReadAsStreamAsync();
            Assert.NotEqual(0, await stream.ReadAsync(new byte[100]));
            endless.Dispose();
        }

        await Eventually.TrueAsync("upstream", "told that the client left", Soon, () => rig.Upstream.Aborted > before);
    }

    [Fact]
    public async Task Failover_InMidLoad_IsNotSeenByClients()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        await using var second = await ScriptedProvider.StartAsync();
        var other = $"{rig.Prefix}-b";
        await rig.PostAsync("/api/model-providers", new { id = other, kind = "openai", baseURL = second.OpenAiUrl, apiKey = ScriptedProvider.Key });
        rig.Adopt($"/api/model-providers/{other}");
        var alias = $"{rig.Prefix}-group";
        await rig.PostAsync("/api/default-model-aliases", new { alias, targets = new[] { new { model = $"{rig.OpenAi}/gpt-test", weight = 1, order = 0 }, new { model = $"{other}/gpt-test", weight = 1, order = 1 } } });
        rig.Adopt($"/api/default-model-aliases/{alias}");

        var statuses = new List<HttpStatusCode>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 300), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, cancellationToken) =>
        {
            if (i == 100)
            {
                rig.Upstream.FailNext(int.MaxValue / 2);
            }

            using var answer = await rig.ChatAsync("hello", stream: i % 2 == 0, silo: i % 2, model: alias, cancellationToken: cancellationToken);
            await answer.Content.ReadAsStringAsync(cancellationToken);
            lock (statuses)
            {
                statuses.Add(answer.StatusCode);
            }
        });
        var failed = statuses.Count(status => status != HttpStatusCode.OK);
        Output.WriteLine($"failover: {statuses.Count} calls, {failed} failed (bound 0); first provider was asked {rig.Upstream.Seen.Count(seen => seen.Method == "POST")} times, second {second.Seen.Count(seen => seen.Method == "POST")}");
        Assert.Equal(0, failed);
        Assert.InRange(second.Seen.Count(seen => seen.Method == "POST"), 100, 300);

        // the circuit is open: the broken provider is left alone by most calls
        Assert.InRange(rig.Upstream.Seen.Count(seen => seen.Method == "POST"), 1, 250);
    }

    [Fact]
    public async Task Metrics_OfCalls_AreScraped_AsTheGenAiConventionsName()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        using (var answer = await rig.ChatAsync("hello", stream: true))
        {
            await answer.Content.ReadAsStringAsync();
        }

        var text = await Eventually.ReadAsync("/metrics", "tells of the call", Soon, () => Cluster.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative)), seen => seen.Contains("gen_ai_client_operation_duration_seconds_bucket", StringComparison.Ordinal));
        Assert.Contains("gen_ai_server_time_to_first_token_seconds_bucket", text, StringComparison.Ordinal);
        var tokens = text.Split('\n').Where(line => line.StartsWith("gen_ai_client_token_usage", StringComparison.Ordinal) && line.Contains("_bucket", StringComparison.Ordinal)).ToList();
        Assert.All(["gen_ai_operation_name=\"chat\"", "gen_ai_provider_name=\"openai\"", "gen_ai_request_model=\"gpt-test\"", "gen_ai_token_type=\"output\"", "server_address=\"127.0.0.1\"", "le=\"67108864\""], part =>
            Assert.Contains(tokens, line => line.Contains(part, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Record_OfACall_IsFoundWithItsUsage_AndItsBodiesAreForAuditorsOnly()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        using var models = await Cluster.SendAsync(HttpMethod.Get, $"/api/models?modelProvider={rig.OpenAi}");
        var id = JsonNode.Parse(await models.Content.ReadAsStringAsync())!["items"]!.AsArray().Single(model => model!["targetModel"]!.GetValue<string>() == "gpt-test")!["id"]!.GetValue<string>();
        using (await Cluster.SendAsync(HttpMethod.Put, $"/api/models/{id}", new { prices = new { input = 2, output = 10, cachedInput = 0.5 } }))
        {
        }

        await Task.Delay(TimeSpan.FromSeconds(1));
        using (var answer = await rig.ChatAsync("remember the milk", stream: true))
        {
            await answer.Content.ReadAsStringAsync();
        }

        using (var failed = await rig.ChatAsync("script:400"))
        {
            Assert.Equal(HttpStatusCode.BadRequest, failed.StatusCode);
        }

        var clock = Stopwatch.StartNew();
        var items = await Eventually.ReadAsync("audit", "two records", Soon, async () =>
        {
            using var found = await Cluster.SendAsync(HttpMethod.Get, $"/api/llm-audit-logs?modelProvider={rig.OpenAi}", silo: 1);
            return JsonNode.Parse(await found.Content.ReadAsStringAsync())!["items"]!.AsArray();
        }, found => found.Count == 2);
        Output.WriteLine($"records were found {clock.ElapsedMilliseconds} ms after the answers (bound 5000 ms)");
        var record = items[1]!;
        Assert.Equal((12L, 8L, 4L, true, 200, true), (
            record["inputTokens"]!.GetValue<long>(), record["cachedTokens"]!.GetValue<long>(), record["outputTokens"]!.GetValue<long>(), record["usageKnown"]!.GetValue<bool>(), record["status"]!.GetValue<int>(), record["streamed"]!.GetValue<bool>()));
        Assert.Equal(52e-6m, record["usd"]!.GetValue<decimal>());
        Assert.Equal("provider_400", items[0]!["error"]!.GetValue<string>());
        using var one = await Cluster.SendAsync(HttpMethod.Get, $"/api/llm-audit-logs/{record["id"]}");
        Assert.DoesNotContain("milk", await one.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await People.ExecuteAsync(Cluster, $"DO $$ BEGIN IF EXISTS (SELECT 1 FROM llm_audit_bodies WHERE encode(detail, 'escape') LIKE '%milk%') THEN RAISE EXCEPTION 'plaintext'; END IF; END $$");

        var auditor = await People.AddAsync(Cluster, "Basic");
        await People.ExecuteAsync(Cluster, $"UPDATE users SET auditor = true WHERE id = '{auditor.Id}'");
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Cluster.Urls[0], $"/api/llm-audit-logs/{record["id"]}"));
        request.Headers.Authorization = new("Bearer", auditor.Key);
        using var seen = await Cluster.Http.SendAsync(request);
        Assert.Contains("milk", JsonNode.Parse(await seen.Content.ReadAsStringAsync())!["requestBody"]!.GetValue<string>(), StringComparison.Ordinal);

        using var usage = await Cluster.SendAsync(HttpMethod.Get, "/api/token-usage?groupBy=provider,model,day");
        var sum = JsonNode.Parse(await usage.Content.ReadAsStringAsync())!["items"]!.AsArray().Single(row => row!["modelProvider"]!.GetValue<string>() == rig.OpenAi)!;
        Assert.Equal((2L, 1L, 12L, 4L), (sum["calls"]!.GetValue<long>(), sum["errors"]!.GetValue<long>(), sum["inputTokens"]!.GetValue<long>(), sum["outputTokens"]!.GetValue<long>()));
    }

    [Fact]
    public async Task Azure_AndBedrock_AreCalledInTheirWay()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        var url = rig.Upstream.AnthropicUrl;
        await MakeAsync(new { id = $"{rig.Prefix}-az", kind = "azure-openai", baseURL = url, apiKey = ScriptedProvider.Key });
        await MakeAsync(new { id = $"{rig.Prefix}-en", kind = "azure-openai", baseURL = url, settings = new { tenantId = "tenant", clientId = "app", authorityURL = url }, credentials = new { clientSecret = "entra-secret" } });
        await MakeAsync(new { id = $"{rig.Prefix}-br", kind = "bedrock", baseURL = url, settings = new { region = "eu-central-1", accessKeyId = "AKIATEST", controlURL = url }, credentials = new { secretAccessKey = "aws-secret" } });

        foreach (var provider in new[] { "az", "en" })
        {
            using var answer = await rig.ChatAsync("hello", model: $"{rig.Prefix}-{provider}/gpt-test");
            Assert.Contains(Scripts.Text, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal("/openai/v1/chat/completions", rig.Upstream.Last.Path);
            Assert.Equal(provider == "en" ? $"Bearer entra-{ScriptedProvider.Key}" : "", rig.Upstream.Last.Headers.GetValueOrDefault("Authorization", ""));
        }

        foreach (var stream in new[] { "false", "true" })
        {
            using var answer = await rig.AskAsync("anthropic/v1/messages", $$"""{"model":"{{rig.Prefix}}-br/anthropic.claude-test-v1:0","max_tokens":9,"stream":{{stream}},"messages":[{"role":"user","content":"hello"}]}""");
            Assert.Contains(stream == "true" ? "event: message_stop" : Scripts.Text, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal((true, false), (rig.Upstream.Last.Body.Contains("bedrock-2023-05-31", StringComparison.Ordinal), rig.Upstream.Last.Body.Contains("\"model\"", StringComparison.Ordinal)));
        }

        using var crossed = await rig.ChatAsync("hello", stream: true, model: $"{rig.Prefix}-br/anthropic.claude-test-v1:0");
        Assert.EndsWith("data: [DONE]\n\n", await crossed.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        async Task MakeAsync(object provider)
        {
            var made = await rig.PostAsync("/api/model-providers", provider);
            rig.Adopt($"/api/model-providers/{made["id"]}");
        }
    }

    private static async Task<TimeSpan> WhenAsync(LlmRig rig, HttpStatusCode status)
    {
        var clock = Stopwatch.StartNew();
        await Eventually.ReadAsync("policy", $"{status} on the other silo", Soon, async () => (await rig.ChatAsync("hello", silo: 1)).StatusCode, seen => seen == status);
        return clock.Elapsed;
    }
}
