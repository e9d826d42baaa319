using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>What administrators do to users, as the other silo sees it.</summary>
public sealed class UsersTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Administrator_Demoted_IsRefusedByTheOtherSiloWithinASecond()
    {
        var (id, key) = await AccountAsync("demoted", "admin", "api");
        using var other = Client(key, silo: 1);
        Assert.Equal(HttpStatusCode.OK, await UsersAsync(other));

        using var demoted = await PatchAsync(id, new { role = "basic" });
        Assert.Equal(HttpStatusCode.OK, demoted.StatusCode);
        var last = await LastAllowedAsync(Stopwatch.StartNew(), async () => await UsersAsync(other) is HttpStatusCode.OK);
        Output.WriteLine($"demoted administrator: last allowed call at the other silo began {last.TotalMilliseconds:0} ms after the answer to the demotion (bound {Bound.TotalMilliseconds:0} ms)");
        Assert.True(last < Bound, $"{last}");
        Assert.Equal(HttpStatusCode.Forbidden, await UsersAsync(other));

        // the key itself is still good for what the user still may
        var me = await other.GetFromJsonAsync<JsonElement>("/api/me", Cancellation);
        Assert.Equal("basic", me.GetProperty("role").GetString());
    }

    [Fact]
    public async Task User_Disabled_IsRefusedByTheOtherSiloWithinASecond()
    {
        var (id, key) = await AccountAsync("disabled", "basic", "api", "mcp");
        var server = await OwnServerAsync(key);
        using var one = new McpHttp(Cluster.Endpoint(server), key);
        using var other = new McpHttp(Cluster.Endpoint(server, silo: 1), key);
        Assert.Equal(200, (await EchoAsync(one)).Status);
        Assert.Equal(200, (await EchoAsync(other)).Status);

        using var disabled = await PatchAsync(id, new { disabled = true });
        Assert.Equal(HttpStatusCode.OK, disabled.StatusCode);
        var clock = Stopwatch.StartNew();
        var last = await Task.WhenAll(
            LastAllowedAsync(clock, async () => (await EchoAsync(one)).Status is 200),
            LastAllowedAsync(clock, async () => (await EchoAsync(other)).Status is 200));
        Output.WriteLine($"disabled user: last allowed tool call began {last.Max().TotalMilliseconds:0} ms after the answer to the change, over two silos (bound {Bound.TotalMilliseconds:0} ms)");
        Assert.True(last.Max() < Bound, $"{last.Max()}");
        Assert.Equal(401, (await EchoAsync(other)).Status);

        using var enabled = await PatchAsync(id, new { disabled = false });
        await Eventually.ReadAsync("disabled user", "enabled again", Bound * 5, async () => (await EchoAsync(other)).Status, status => status is 200);
    }

    /// <summary>A service account makes a server of the real package and calls it; nobody else's key does.</summary>
    [Fact]
    public async Task ServiceAccount_WithAKey_CallsAToolOfItsOwnServer()
    {
        await Npm.EnsureInstalledAsync();
        var (id, key) = await AccountAsync("agent", "basic", "api", "mcp");
        using var client = Client(key, silo: 1);
        using var made = await client.PostAsJsonAsync("/api/mcp-servers", new { manifest = Manifests.Npx("everything of a service account", Manifests.Everything) }, Cancellation);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var server = await made.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(id, server.GetProperty("ownerID").GetString());
        try
        {
            var said = await TypedClient.EchoAsync(TypedClient.Http(new Uri(Cluster.Urls[0], $"/mcp-connect/{server.GetProperty("id").GetString()}"), key), "hello from a program");
            Assert.Contains("hello from a program", said, StringComparison.Ordinal);

            // bound to the account: while it owns a server it does not go without a word about that
            using var refused = await Cluster.Http.DeleteAsync(new Uri($"/api/service-accounts/{id}", UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Contains("everything of a service account", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }
        finally
        {
            using var removed = await Cluster.Http.DeleteAsync(new Uri($"/api/service-accounts/{id}?servers=delete", UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        }

        using var gone = await Cluster.Http.GetAsync(new Uri($"/api/mcp-servers/{server.GetProperty("id").GetString()}", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        await Eventually.ReadAsync("removed service account", "refused everywhere", Bound, () => UsersAsync(client), status => status is HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Group_MembershipTaken_IsKnownToTheOtherSiloWithinASecond()
    {
        var (id, key) = await AccountAsync("member", "basic", "api");
        using var made = await Cluster.Http.PostAsJsonAsync("/api/groups", new { name = $"team {Guid.CreateVersion7():N}" }, Cancellation);
        var group = (await made.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("id").GetString();
        using var joined = await Cluster.Http.PutAsync(new Uri($"/api/groups/{group}/members/{id}", UriKind.Relative), content: null, Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, joined.StatusCode);
        using var other = Client(key, silo: 1);
        var me = await other.GetFromJsonAsync<JsonElement>("/api/me", Cancellation);
        Assert.Equal(group, me.GetProperty("groups")[0].GetProperty("id").GetString());
        using var removed = await Cluster.Http.DeleteAsync(new Uri($"/api/groups/{group}", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        me = await other.GetFromJsonAsync<JsonElement>("/api/me", Cancellation);
        Assert.Equal(0, me.GetProperty("groups").GetArrayLength());
    }

    private async Task<(string Id, string Key)> AccountAsync(string name, string role, params string[] scopes)
    {
        using var made = await Cluster.Http.PostAsJsonAsync("/api/service-accounts", new { name, role }, Cancellation);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var id = (await made.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("id").GetString()!;
        using var key = await Cluster.Http.PostAsJsonAsync($"/api/service-accounts/{id}/api-keys", new { name, scopes }, Cancellation);
        Assert.Equal(HttpStatusCode.Created, key.StatusCode);
        return (id, (await key.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("key").GetString()!);
    }

    /// <summary>The fixture as a server of whoever holds the key; it goes with the test.</summary>
    private async Task<McpServer> OwnServerAsync(string key)
    {
        using var client = Client(key);
        using var made = await client.PostAsJsonAsync("/api/mcp-servers", new { manifest = await Manifests.StdioFixtureAsync("of a service account") }, Cancellation);
        var server = await made.Content.ReadFromJsonAsync<McpServer>(JsonSerializerOptions.Web, Cancellation) ?? throw new InvalidDataException("no server");
        return Adopt(server);
    }

    private HttpClient Client(string key, int silo = 0)
    {
        var client = new HttpClient { BaseAddress = Cluster.Urls[silo], Timeout = TimeSpan.FromMinutes(2) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    private Task<HttpResponseMessage> PatchAsync(string id, object change) =>
        Cluster.Http.PatchAsJsonAsync($"/api/users/{id}", change, Cancellation);

    private static async Task<HttpStatusCode> UsersAsync(HttpClient client)
    {
        using var response = await client.GetAsync(new Uri("/api/users?limit=1", UriKind.Relative), Cancellation);
        return response.StatusCode;
    }

    private static Task<McpAnswer> EchoAsync(McpHttp client) =>
        client.ToolAsync("echo", new JsonObject { ["message"] = "m" }, cancellationToken: Cancellation);

    /// <summary>Calls until the first refusal; when the last allowed call began.</summary>
    private static async Task<TimeSpan> LastAllowedAsync(Stopwatch clock, Func<Task<bool>> call)
    {
        var last = TimeSpan.Zero;
        while (clock.Elapsed < Bound * 10)
        {
            var begun = clock.Elapsed;
            if (!await call())
            {
                return last;
            }

            last = begun;
        }

        return last;
    }
}
