using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using NSubstitute;
using NSubstitute.ExceptionExtensions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Tests.Management;

public sealed class UsersTests : IAsyncLifetime
{
    private readonly ManagementHost _host = new();

    public ValueTask InitializeAsync() => _host.InitializeAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task List_Query_ReachesThePort()
    {
        UserView view = new() { Id = "u2", Name = "Ann", Kind = UserKind.Person, Email = "ann@example.com", Role = Role.PowerPlus, RoleSource = UserView.Assigned, Auditor = true, CreatedAt = DateTimeOffset.UnixEpoch };
        _host.Users.List(default!, default!, 0, null, default).ReturnsForAnyArgs(new Page<UserView>([view], "next"));
        var json = await Get("/api/users?query=ann&role=POWERPLUS&kind=person&limit=7&cursor=here");
        await _host.Users.Received().List(Arg.Any<Principal>(), new() { Text = "ann", Role = Role.PowerPlus, Kind = UserKind.Person }, 7, "here", Arg.Any<CancellationToken>());
        Assert.Equal("next", (string?)json["nextCursor"]);
        var user = json["items"]![0]!.AsObject();
        Assert.Equal(("u2", "person", "powerPlus", "assigned"), ((string?)user["id"], (string?)user["kind"], (string?)user["role"], (string?)user["roleSource"]));
        Assert.True((bool)user["auditor"]!);
        Assert.False((bool)user["disabled"]!);
        Assert.False(user.ContainsKey("groups"));
        Assert.False(user.ContainsKey("lastSeenAt"));
    }

    [Theory]
    [InlineData("/api/users?role=king", "role")]
    [InlineData("/api/users?role=3", "role")]
    [InlineData("/api/users?kind=robot", "kind")]
    [InlineData("/api/users?limit=501", "limit")]
    public async Task List_WrongQuery_NamesField(string path, string field)
    {
        var response = await _host.Client.GetAsync(path);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(field, (string?)(await ManagementHost.Json(response))["field"]);
    }

    [Fact]
    public async Task One_Details_ShowGroupsAndIdentities()
    {
        _host.Users.Find(default!, default!, default).ReturnsForAnyArgs(Details());
        var json = await Get("/api/users/u2");
        Assert.Equal("okta", (string?)json["groups"]![0]!["providerID"]);
        Assert.Equal("sub-1", (string?)json["identities"]![0]!["subject"]);
        Assert.False(json.ContainsKey("scopes"));
    }

    [Fact]
    public async Task Me_AnyCaller_SaysWhoAndWhatFor()
    {
        _host.Authenticator.Caller = new("u2", Role.Basic, "ak1", [Scopes.Api, Scopes.Mcp], ["ms1x"]);
        _host.Users.Me(default!, default).ReturnsForAnyArgs(Details());
        var json = await Get("/api/me");
        Assert.Equal("""["api","mcp"]""", json["scopes"]!.ToJsonString());
        Assert.Equal("""["ms1x"]""", json["mcpServerIDs"]!.ToJsonString());
        Assert.Equal("u2", (string?)json["id"]);
    }

    [Fact]
    public async Task Change_Body_ReachesThePort()
    {
        _host.Users.Change(default!, default!, default!, default).ReturnsForAnyArgs(Details());
        var response = await Patch("/api/users/u2", """{"role":"admin","disabled":false,"colour":"red"}""");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("colour", (await ManagementHost.Json(response))["warnings"]!.ToJsonString(), StringComparison.Ordinal);
        await _host.Users.Received().Change(Arg.Any<Principal>(), "u2", new() { Role = Role.Admin, Disabled = false }, Arg.Any<CancellationToken>());
    }

    [Theory]
    [InlineData("{}", "body")]
    [InlineData("""{"colour":"red"}""", "body")]
    [InlineData("""{"role":"king"}""", "role")]
    [InlineData("""{"role":4}""", "role")]
    [InlineData("""{"auditor":"yes"}""", "auditor")]
    [InlineData("""{"disabled":1}""", "disabled")]
    public async Task Change_WrongBody_NamesField(string body, string field)
    {
        var response = await Patch("/api/users/u2", body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(field, (string?)(await ManagementHost.Json(response))["field"]);
        await _host.Users.DidNotReceiveWithAnyArgs().Change(default!, default!, default!, default);
    }

    [Fact]
    public async Task Change_RefusedByPort_SaysWhy()
    {
        _host.Users.Change(default!, default!, default!, default).ThrowsAsyncForAnyArgs(new ConflictException("last owner"));
        var response = await Patch("/api/users/u2", """{"disabled":true}""");
        Assert.Equal((HttpStatusCode.Conflict, "last owner"), (response.StatusCode, (string?)(await ManagementHost.Json(response))["detail"]));
        _host.Users.Change(default!, default!, default!, default).ThrowsAsyncForAnyArgs(new NotAllowedException("only owners"));
        Assert.Equal(HttpStatusCode.Forbidden, (await Patch("/api/users/u2", """{"role":"owner"}""")).StatusCode);
    }

    [Fact]
    public async Task Remove_Servers_AreDeletedOrGivenAway()
    {
        _host.Users.Remove(default!, default!, default!, default).ReturnsForAnyArgs(true);
        await Removed("", new(false, null));
        await Removed("?servers=delete", new(true, null));
        await Removed("?servers=transfer:u3", new(false, "u3"));
        foreach (var wrong in new[] { "keep", "transfer:", "transfer" })
        {
            var response = await _host.Client.DeleteAsync($"/api/users/u2?servers={wrong}");
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("servers", (string?)(await ManagementHost.Json(response))["field"]);
        }

        async Task Removed(string query, OwnedServers servers)
        {
            Assert.Equal(HttpStatusCode.NoContent, (await _host.Client.DeleteAsync($"/api/users/u2{query}")).StatusCode);
            await _host.Users.Received().Remove(Arg.Any<Principal>(), "u2", servers, Arg.Any<CancellationToken>());
        }
    }

    [Theory]
    [InlineData("GET", "/api/users/none")]
    [InlineData("DELETE", "/api/users/none")]
    [InlineData("GET", "/api/users/none/api-keys")]
    [InlineData("DELETE", "/api/users/none/api-keys/ak1")]
    [InlineData("GET", "/api/groups/none")]
    [InlineData("DELETE", "/api/groups/none")]
    [InlineData("GET", "/api/groups/none/members")]
    [InlineData("PUT", "/api/groups/none/members/u1")]
    [InlineData("DELETE", "/api/groups/gr1/members/none")]
    [InlineData("GET", "/api/service-accounts/person")]
    [InlineData("DELETE", "/api/service-accounts/person")]
    public async Task Any_Unknown_NotFound(string method, string path)
    {
        // a person is no service account
        _host.Users.Find(default!, Arg.Any<string>(), default).ReturnsForAnyArgs(call => call.ArgAt<string>(1) == "person" ? Details() : null);
        _host.Keys.ListOf(default!, default!, 0, null, default).ReturnsForAnyArgs((Page<ApiKeyView>?)null);
        _host.Groups.Find(default!, default!, default).ReturnsForAnyArgs((GroupView?)null);
        _host.Groups.Members(default!, default!, 0, null, default).ReturnsForAnyArgs((Page<GroupMember>?)null);
        _host.Groups.AddMember(default!, default!, default!, default).ReturnsForAnyArgs(MemberChange.NoSuchGroup);
        _host.Groups.RemoveMember(default!, default!, default!, default).ReturnsForAnyArgs(MemberChange.NoSuchUser);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        var response = await _host.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        await _host.Users.DidNotReceive().Remove(Arg.Any<Principal>(), "person", Arg.Any<OwnedServers>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Groups_Life_HasTheUsualShapes()
    {
        GroupView view = new("gr1", "Team", null, 0, DateTimeOffset.UnixEpoch);
        _host.Groups.Create(default!, default!, default).ReturnsForAnyArgs(view);
        _host.Groups.List(default!, null, 0, null, default).ReturnsForAnyArgs(new Page<GroupView>([view], null));
        _host.Groups.Members(default!, default!, 0, null, default).ReturnsForAnyArgs(new Page<GroupMember>([new("u2", "Ann", UserKind.Service)], null));
        _host.Groups.AddMember(default!, default!, default!, default).ReturnsForAnyArgs(MemberChange.Done);
        _host.Groups.Remove(default!, default!, default).ThrowsAsyncForAnyArgs(new ConflictException("okta's"));
        var made = await _host.Post("/api/groups", """{"name":"Team"}""");
        Assert.Equal((HttpStatusCode.Created, "/api/groups/gr1"), (made.StatusCode, made.Headers.Location?.ToString()));
        Assert.Equal(0, (int)(await ManagementHost.Json(made))["memberCount"]!);
        Assert.Equal("Team", (string?)(await Get("/api/groups?query=te"))["items"]![0]!["name"]);
        await _host.Groups.Received().List(Arg.Any<Principal>(), "te", 50, null, Arg.Any<CancellationToken>());
        Assert.Equal("service", (string?)(await Get("/api/groups/gr1/members"))["items"]![0]!["kind"]);
        Assert.Equal(HttpStatusCode.NoContent, (await _host.Client.PutAsync("/api/groups/gr1/members/u2", null)).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await _host.Client.DeleteAsync("/api/groups/gr1")).StatusCode);
    }

    [Fact]
    public async Task ServiceAccounts_Create_AnswersAccountAndKey()
    {
        _host.Users.Create(default!, default!, default).ReturnsForAnyArgs(Details() with { Kind = UserKind.Service, Id = "su1" });
        var response = await _host.Post("/api/service-accounts", """{"name":"ci","role":"power","groups":["gr1"]}""");
        Assert.Equal((HttpStatusCode.Created, "/api/service-accounts/su1"), (response.StatusCode, response.Headers.Location?.ToString()));
        await _host.Users.Received().Create(
            Arg.Any<Principal>(), Arg.Is<NewServiceAccount>(request => request.Name == "ci" && request.Role == Role.Power && request.Groups.Single() == "gr1"), Arg.Any<CancellationToken>());

        _host.Keys.CreateFor(default!, default!, default!, default).ReturnsForAnyArgs(new CreatedApiKey { Id = "ak1", Name = "n", Prefix = "p", Scopes = ["mcp"], CreatedAt = DateTimeOffset.UnixEpoch, Key = "obot_secret" });
        response = await _host.Post("/api/service-accounts/su1/api-keys", """{"name":"n"}""");
        Assert.Equal((HttpStatusCode.Created, "/api/users/su1/api-keys/ak1"), (response.StatusCode, response.Headers.Location?.ToString()));
        Assert.Equal("obot_secret", (string?)(await ManagementHost.Json(response))["key"]);
        _host.Keys.CreateFor(default!, default!, default!, default).ReturnsForAnyArgs((CreatedApiKey?)null);
        Assert.Equal(HttpStatusCode.NotFound, (await _host.Post("/api/service-accounts/u2/api-keys", """{"name":"n"}""")).StatusCode);
    }

    [Fact]
    public async Task DefaultRole_GetAndPut_ForAdministrators()
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Client.GetAsync("/api/user-default-role-settings")).StatusCode);
        _host.Authenticator.Caller = new("u1", Role.Admin, "c1", [Scopes.Api]);
        _host.AuthSettings.DefaultRole(default).ReturnsForAnyArgs(Role.PowerPlus);
        Assert.Equal("powerPlus", (string?)(await Get("/api/user-default-role-settings"))["role"]);
        using var body = new StringContent("""{"role":"Power"}""", Encoding.UTF8, "application/json");
        var response = await _host.Client.PutAsync("/api/user-default-role-settings", body);
        Assert.Equal("power", (string?)(await ManagementHost.Json(response))["role"]);
        await _host.AuthSettings.Received().SetDefaultRole(Arg.Any<Principal>(), Role.Power, Arg.Any<CancellationToken>());
        using var none = new StringContent("{}", Encoding.UTF8, "application/json");
        Assert.Equal("role", (string?)(await ManagementHost.Json(await _host.Client.PutAsync("/api/user-default-role-settings", none)))["field"]);
    }

    [Fact]
    public async Task OpenApi_Document_DescribesUsers()
    {
        var json = await Get("/openapi/v1.json");
        foreach (var path in new[] { "/api/me", "/api/users", "/api/users/{id}", "/api/users/{id}/api-keys/{keyId}", "/api/groups/{id}/members/{userId}", "/api/service-accounts/{id}/api-keys", "/api/user-default-role-settings" })
        {
            Assert.NotNull(json["paths"]![path]);
        }

        Assert.NotNull(json["paths"]!["/api/users/{id}"]!["patch"]!["requestBody"]);
    }

    private async Task<JsonObject> Get(string path)
    {
        var response = await _host.Client.GetAsync(path);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode}");
        return await ManagementHost.Json(response);
    }

    private Task<HttpResponseMessage> Patch(string path, string body) => _host.Client.PatchAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));

    private static UserDetails Details() => new()
    {
        Id = "u2",
        Name = "Ann",
        Kind = UserKind.Person,
        Role = Role.Basic,
        RoleSource = UserView.Assigned,
        Auditor = false,
        CreatedAt = DateTimeOffset.UnixEpoch,
        Groups = [new("g", "eng", "okta")],
        Identities = [new("okta", "sub-1", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)],
    };
}
