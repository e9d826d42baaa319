using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary>A scripted upstream, registered as providers of the cluster under names of its own, and a key that a policy lets use them.</summary>
internal sealed class LlmRig : IAsyncDisposable
{
    private readonly ObotCluster cluster;
    private readonly List<string> made = [];

    private LlmRig(ObotCluster cluster, ScriptedProvider upstream) => (this.cluster, Upstream) = (cluster, upstream);

    public ScriptedProvider Upstream { get; }

    public string Prefix { get; } = $"t{Guid.CreateVersion7():N}"[..20] + $"{Random.Shared.Next(1000)}";

    public string OpenAi => $"{Prefix}-oa";

    public string Anthropic => $"{Prefix}-an";

    /// <summary>Scope <c>llm</c>.</summary>
    public string Key { get; private set; } = "";

    public string KeyId { get; private set; } = "";

    public static async Task<LlmRig> StartAsync(ObotCluster cluster, object? settings = null, bool allow = true)
    {
        var rig = new LlmRig(cluster, await ScriptedProvider.StartAsync());
        await rig.PostAsync("/api/model-providers", new { id = rig.OpenAi, kind = "openai", baseURL = rig.Upstream.OpenAiUrl, apiKey = ScriptedProvider.Key, settings = settings ?? new { } });
        await rig.PostAsync("/api/model-providers", new { id = rig.Anthropic, kind = "anthropic", baseURL = rig.Upstream.AnthropicUrl, apiKey = ScriptedProvider.Key, settings = settings ?? new { } });
        rig.made.AddRange([$"/api/model-providers/{rig.OpenAi}", $"/api/model-providers/{rig.Anthropic}"]);
        if (allow)
        {
            await rig.AllowAsync($"{rig.Prefix}*");
        }

        var key = await rig.PostAsync("/api/api-keys", new { name = rig.Prefix, scopes = new[] { "llm" } });
        (rig.Key, rig.KeyId) = (key["key"]!.GetValue<string>(), key["id"]!.GetValue<string>());
        return rig;
    }

    /// <summary>A model access policy for everyone; gone with the rig.</summary>
    public async Task<string> AllowAsync(params string[] models)
    {
        var policy = await PostAsync("/api/model-access-policies", new { displayName = Prefix, subjects = new[] { new { type = "selector", id = "*" } }, models = models.Select(id => new { id }) });
        var path = $"/api/model-access-policies/{policy["id"]!.GetValue<string>()}";
        made.Add(path);
        return path;
    }

    public void Adopt(string path) => made.Add(path);

    public Uri OpenAiDoor(int silo = 0) => new(cluster.Urls[silo], "/api/llm-proxy/openai/v1");

    public Uri AnthropicDoor(int silo = 0) => new(cluster.Urls[silo], "/api/llm-proxy/anthropic");

    public async Task<JsonObject> PostAsync(string path, object body)
    {
        using var response = await cluster.SendAsync(HttpMethod.Post, path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path} → {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>Any request at a door with the rig's key.</summary>
    public async Task<HttpResponseMessage> AskAsync(string door, string body, int silo = 0, string? key = null, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(cluster.Urls[silo], $"/api/llm-proxy/{door}")) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key ?? Key);
        return await cluster.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    public Task<HttpResponseMessage> ChatAsync(string prompt, bool stream = false, string more = "", int silo = 0, string? model = null, CancellationToken cancellationToken = default) => AskAsync(
        "openai/v1/chat/completions", $$"""{"model":"{{model ?? $"{OpenAi}/gpt-test"}}","messages":[{"role":"user","content":"{{prompt}}"}],"stream":{{(stream ? "true" : "false")}}{{more}}}""", silo, cancellationToken: cancellationToken);

    public async ValueTask DisposeAsync()
    {
        var alive = cluster.SiloPids().TakeWhile(pid => pid is null).Count();
        foreach (var path in Enumerable.Reverse(made))
        {
            using var response = await cluster.SendAsync(HttpMethod.Delete, path, silo: alive);
            Assert.True(response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotFound, $"{path} {response.StatusCode}");
        }

        await Upstream.DisposeAsync();
    }
}
