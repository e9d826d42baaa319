using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Who is refused, where, and how fast.</summary>
public sealed class SecurityTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ApiKey_Revoked_IsRefusedByEverySiloWithinASecond()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("revoked key"));
        var (id, key) = await CreateKeyAsync();
        using var one = new McpHttp(Cluster.Endpoint(server), key);
        using var other = new McpHttp(Cluster.Endpoint(server, silo: 1), key);
        Assert.Equal(200, (await one.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        Assert.Equal(200, (await other.ToolAsync("echo", cancellationToken: Cancellation)).Status);

        using var revoked = await Cluster.Http.DeleteAsync(new Uri($"/api/api-keys/{id}", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        var clock = Stopwatch.StartNew();
        var last = await Task.WhenAll(LastAllowedAsync(one, clock), LastAllowedAsync(other, clock));
        Output.WriteLine($"last allowed call {last.Max().TotalMilliseconds:0} ms after the answer to the revocation, over two silos (bound {Bound.TotalMilliseconds:0} ms)");
        Assert.True(last.Max() < Bound * 10, $"{last.Max()}");
    }

    [Fact]
    public async Task Request_WithoutOrWithAWrongKey_IsRefusedBeforeItIsParsed()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("no key"));
        foreach (var token in new[] { null, "", "obot_deadbeef_wrong", Cluster.Token + "x" })
        {
            using var client = new McpHttp(Cluster.Endpoint(server), token);
            var (status, body) = await client.PostAsync("this is no json", Cancellation);
            Assert.Equal(401, status);
            Assert.Contains("\"id\":null", body, StringComparison.Ordinal);
        }

        Assert.Equal("Stopped", (await Cluster.GetAsync(server.Id)).DeploymentStatus);
    }

    [Fact]
    public async Task ApiKey_ForAnotherServer_IsRefused()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("this server"));
        var other = await MakeAsync(await Manifests.StdioFixtureAsync("other server"));
        var (_, key) = await CreateKeyAsync(other.Id);
        using var client = new McpHttp(Cluster.Endpoint(server), key);
        Assert.Equal(403, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        using var allowed = new McpHttp(Cluster.Endpoint(other), key);
        Assert.Equal(200, (await allowed.ToolAsync("echo", cancellationToken: Cancellation)).Status);
    }

    [Fact]
    public async Task Host_Rebound_IsRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Cluster.Urls[0], "/api/mcp-servers"));
        request.Headers.Host = "evil.example";
        using var response = await Cluster.Http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    /// <summary>The internal headers are set by us alone: what a client sends under their names goes nowhere.</summary>
    [Fact]
    public async Task Headers_OfOurs_FromOutside_AreDropped()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("forged headers"));
        using var client = Cluster.Connect(server);
        using var request = client.LegacyRequest("tools/list");
        request.Headers.Add("Obot-Principal", "somebody-else");
        request.Headers.Add("Obot-Bridge-Secret", "guess");
        request.Headers.Add("Obot-Assertion", "forged");
        request.Headers.Add("X-Forwarded-For", "10.0.0.1");
        Assert.Equal(200, (await client.SendAsync(request, Cancellation)).Status);
    }

    [Fact]
    public async Task Session_OfAnotherServer_DoesNotExist()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("session a"));
        var other = await MakeAsync(await Manifests.StdioFixtureAsync("session b"));
        using var client = Cluster.Connect(server);
        using var stranger = Cluster.Connect(other);
        var session = await client.InitializeAsync(Cancellation);
        Assert.Equal(404, (await stranger.ToolAsync("echo", session: session, cancellationToken: Cancellation)).Status);
        Assert.Equal(200, (await client.ToolAsync("echo", session: session, cancellationToken: Cancellation)).Status);
    }

    private async Task<(string Id, string Key)> CreateKeyAsync(params string[] servers)
    {
        using var response = await Cluster.Http.PostAsJsonAsync("/api/api-keys", new { name = "security", mcpServerIDs = servers is [] ? null : servers }, Cancellation);
        response.EnsureSuccessStatusCode();
        var created = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        return (created.GetProperty("id").GetString()!, created.GetProperty("key").GetString()!);
    }

    /// <summary>Calls until the first refusal; when the last allowed call began.</summary>
    private static async Task<TimeSpan> LastAllowedAsync(McpHttp client, Stopwatch clock)
    {
        var last = TimeSpan.Zero;
        while (clock.Elapsed < Bound * 10)
        {
            var begun = clock.Elapsed;
            if ((await client.ToolAsync("echo", cancellationToken: Cancellation)).Status == 401)
            {
                return last;
            }

            last = begun;
        }

        return last;
    }
}
