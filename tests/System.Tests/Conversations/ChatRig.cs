using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>A scripted model that everybody may use, and conversations by the API.</summary>
internal sealed class ChatRig : IAsyncDisposable
{
    private readonly ObotCluster cluster;
    private readonly List<string> made = [];

    private ChatRig(ObotCluster cluster, ScriptedAgent agent) => (this.cluster, Agent) = (cluster, agent);

    public ScriptedAgent Agent { get; }

    public string Provider { get; } = $"a{Guid.CreateVersion7():N}"[..20] + $"{Random.Shared.Next(1000)}";

    public string Model => $"{Provider}/agent";

    public static async Task<ChatRig> StartAsync(ObotCluster cluster)
    {
        var rig = new ChatRig(cluster, await ScriptedAgent.StartAsync());
        await rig.PostAsync("/api/model-providers", new { id = rig.Provider, kind = "openai", baseURL = $"{rig.Agent.Url.GetLeftPart(UriPartial.Authority)}/v1", apiKey = ScriptedAgent.Key });
        rig.made.Add($"/api/model-providers/{rig.Provider}");
        var policy = await rig.PostAsync("/api/model-access-policies", new { displayName = rig.Provider, subjects = new[] { new { type = "selector", id = "*" } }, models = new[] { new { id = $"{rig.Provider}*" } } });
        rig.made.Add($"/api/model-access-policies/{policy["id"]!.GetValue<string>()}");
        return rig;
    }

    /// <summary>What a test made, removed with the rig's own.</summary>
    public void Adopt(string path) => made.Add(path);

    /// <summary>Allows the one call that waits, and says which it was.</summary>
    public async Task<string> AllowAsync(string thread)
    {
        var waiting = await AnswerAsync(thread, message => Calls(message).Exists(call => call["status"]!.GetValue<string>() == "NeedsApproval"));
        var id = Calls(waiting).Find(call => call["status"]!.GetValue<string>() == "NeedsApproval")!["id"]!.GetValue<string>();
        await PostAsync($"/api/threads/{thread}/tool-calls/{id}", new { decision = "Allow" });
        return id;
    }

    public async Task<string> ThreadAsync(params string[] servers)
    {
        var id = (await PostAsync("/api/threads", new { model = Model }))["id"]!.GetValue<string>();
        using var changed = await cluster.SendAsync(HttpMethod.Patch, $"/api/threads/{id}", new { servers });
        Assert.True(changed.IsSuccessStatusCode, await changed.Content.ReadAsStringAsync());
        return id;
    }

    public Task<JsonObject> SayAsync(string thread, string text, int silo = 0) => PostAsync($"/api/threads/{thread}/messages", new { text }, silo);

    public async Task<JsonObject> PostAsync(string path, object body, int silo = 0)
    {
        using var response = await cluster.SendAsync(HttpMethod.Post, path, body, silo);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path} → {(int)response.StatusCode} {text}");
        return text.Length == 0 ? [] : JsonNode.Parse(text)!.AsObject();
    }

    public async Task<JsonObject> GetAsync(string path)
    {
        using var response = await cluster.SendAsync(HttpMethod.Get, path);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();
    }

    public async Task PutAsync(string path, object body)
    {
        using var response = await cluster.SendAsync(HttpMethod.Put, path, body);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    public async Task<List<JsonObject>> MessagesAsync(string thread, int silo = 0)
    {
        using var response = await cluster.SendAsync(HttpMethod.Get, $"/api/threads/{thread}/messages", silo: silo);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? [.. JsonNode.Parse(text)!["items"]!.AsArray().Select(item => item!.AsObject())] : throw new HttpRequestException(text);
    }

    /// <summary>The last message when it is as it should be.</summary>
    public async Task<JsonObject> AnswerAsync(string thread, Func<JsonObject, bool>? good = null, int silo = 0, int seconds = 60) =>
        (await Eventually.ReadAsync($"thread {thread}", "answered", TimeSpan.FromSeconds(seconds), () => MessagesAsync(thread, silo), messages => messages.Count > 0 && (good ?? IsDone)(messages[^1])))[^1];

    /// <summary>Events from an offset on, until one is as it should be.</summary>
    public async Task<List<JsonObject>> WatchAsync(string thread, Func<JsonObject, bool> until, long after = 0, int silo = 0, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Urls[silo], $"/api/threads/{thread}/events"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", cluster.Token);
        if (after > 0)
        {
            request.Headers.Add("Last-Event-ID", $"{after}");
        }

        using var response = await cluster.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        var events = new List<JsonObject>();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                events.Add(JsonNode.Parse(line[6..])!.AsObject());
                if (until(events[^1]))
                {
                    return events;
                }
            }
        }

        throw new InvalidOperationException($"The stream ended after {events.Count} events.");
    }

    public static bool IsDone(JsonObject message) => message["role"]!.GetValue<string>() == "Assistant" && message["status"]!.GetValue<string>() != "Running";

    public static string Text(JsonObject message) => string.Concat(message["parts"]!.AsArray().Where(part => part!["type"]!.GetValue<string>() == "text").Select(part => part!["text"]!.GetValue<string>()));

    public static List<JsonObject> Calls(JsonObject message) => [.. message["parts"]!.AsArray().Where(part => part!["type"]!.GetValue<string>() == "toolCall").Select(part => part!.AsObject())];

    public async ValueTask DisposeAsync()
    {
        foreach (var path in made)
        {
            try
            {
                using var gone = await cluster.SendAsync(HttpMethod.Delete, path);
            }
            catch (HttpRequestException)
            {
                // the silo that was killed
            }
        }

        await Agent.DisposeAsync();
    }
}
