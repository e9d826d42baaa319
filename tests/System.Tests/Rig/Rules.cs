using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Obot.SystemTests.Rig;

/// <summary>Access rules through the management API.</summary>
internal static class Rules
{
    public static object Everyone => new { type = "selector", id = "*" };

    public static object User(Person person) => new { type = "user", id = person.Id };

    public static object Group(string id) => new { type = "group", id };

    public static object Server(McpServer server) => new { type = "mcpServer", id = server.Id };

    public static async Task<string> AddAsync(ObotCluster cluster, object[] subjects, object[] resources, params string[] tools)
    {
        using var response = await cluster.Http.PostAsJsonAsync("/api/access-control-rules", Body(subjects, resources, tools));
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, body);
        return JsonSerializer.Deserialize<JsonElement>(body).GetProperty("id").GetString()!;
    }

    public static async Task ReplaceAsync(ObotCluster cluster, string id, object[] subjects, object[] resources, params string[] tools)
    {
        using var response = await cluster.Http.PutAsJsonAsync($"/api/access-control-rules/{id}", Body(subjects, resources, tools));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    public static async Task DeleteAsync(ObotCluster cluster, string id)
    {
        using var response = await cluster.Http.DeleteAsync(new Uri($"/api/access-control-rules/{id}", UriKind.Relative));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>The management API as somebody else.</summary>
    public static HttpClient As(ObotCluster cluster, Person person)
    {
        var http = new HttpClient { BaseAddress = cluster.Urls[0], Timeout = TimeSpan.FromMinutes(2) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", person.Key);
        return http;
    }

    public static object Body(object[] subjects, object[] resources, string[] tools) =>
        new { displayName = "made by a test", subjects, resources, tools = tools is [] ? null : tools };
}
