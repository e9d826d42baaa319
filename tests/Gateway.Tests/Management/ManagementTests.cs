using System.Net;
using System.Text;
using NSubstitute;
using NSubstitute.ExceptionExtensions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Tests.Management;

public sealed class ManagementTests : IAsyncLifetime
{
    private readonly ManagementHost _host = new();

    public ValueTask InitializeAsync() => _host.InitializeAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Create_Manifest_AnswersServerAndLocation()
    {
        _host.Servers.Create(default!, default!, default).ReturnsForAnyArgs(call => ManagementHost.View(call.Arg<ServerManifest>()));
        var response = await _host.Post("/api/mcp-servers", """{"manifest":{"name":"a","runtime":"npx","npxConfig":{"package":"p","extra":1},"env":null,"repoURL":"https://r","toolPreview":[],"surprise":1},"more":true}""");
        var json = await ManagementHost.Json(response);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("/api/mcp-servers/ms1abc", response.Headers.Location?.ToString());
        Assert.Equal("http://localhost/mcp-connect/ms1abc", (string?)json["connectURL"]);
        Assert.Equal("https://r", (string?)json["manifest"]!["repoURL"]);
        Assert.Equal("Stopped", (string?)json["deploymentStatus"]);
        Assert.Equal("u1", (string?)json["ownerID"]);
        Assert.True((bool)json["configured"]!);
        var warnings = string.Join("; ", json["warnings"]!.AsArray().Select(warning => (string?)warning));
        Assert.Contains("'more'", warnings, StringComparison.Ordinal);
        Assert.Contains("'manifest.surprise'", warnings, StringComparison.Ordinal);
        Assert.Contains("'manifest.npxConfig.extra'", warnings, StringComparison.Ordinal);
        Assert.DoesNotContain("toolPreview", warnings, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "manifest")]
    [InlineData("[]", "body")]
    [InlineData("""{"manifest":[]}""", "manifest")]
    [InlineData("""{"manifest":{"name":7}}""", "manifest.name")]
    [InlineData("""{"manifest":{"name":"a","env":{}}}""", "manifest.env")]
    [InlineData("""{"manifest":{"name":"a","npxConfig":{"startupTimeoutSeconds":"5"}}}""", "manifest.npxConfig.startupTimeoutSeconds")]
    [InlineData("""{"manifest":{"name":"a","env":[{"key":"A","required":"yes"}]}}""", "manifest.env[0].required")]
    [InlineData("""{"manifest":{"name":"a","metadata":{"categories":["x"]}}}""", "manifest.metadata.categories")]
    [InlineData("""{"catalogEntryID":"x"}""", "catalogEntryID")]
    public async Task Create_WrongShape_NamesField(string body, string field)
    {
        var response = await _host.Post("/api/mcp-servers", body);
        var json = await ManagementHost.Json(response);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(field, (string?)json["field"]);
        Assert.DoesNotContain("System.", (string?)json["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_NoJson_NamesLineAndPosition()
    {
        var json = await ManagementHost.Json(await _host.Post("/api/mcp-servers", "{\n  \"manifest\": {,}\n}"));
        Assert.Equal(400, (int)json["status"]!);
        Assert.Equal(2, (int)json["line"]!);
        Assert.True((int)json["position"]! > 10);
    }

    [Fact]
    public async Task Create_RefusedByPort_NamesField()
    {
        _host.Servers.Create(default!, default!, default).ThrowsAsyncForAnyArgs(new InvalidInputException("manifest.runtime", "Allowed: 'npx'."));
        var json = await ManagementHost.Json(await _host.Post("/api/mcp-servers", """{"manifest":{"name":"a"}}"""));
        Assert.Equal("manifest.runtime", (string?)json["field"]);
        Assert.Contains("Allowed: 'npx'.", (string?)json["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_NoJsonContentType_Refused()
    {
        using var content = new StringContent("{}", Encoding.UTF8, "text/plain");
        var response = await _host.Client.PostAsync("/api/mcp-servers", content);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Any_NotAuthenticated_Refused()
    {
        _host.Authenticator.Caller = null;
        var response = await _host.Client.GetAsync("/api/mcp-servers");
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Any_WithoutScope_Forbidden()
    {
        _host.Authenticator.Caller = new("u1", Role.Owner, "c1", [Scopes.Mcp]);
        var response = await _host.Client.GetAsync("/api/version");
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("insufficient_scope", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attack_CrossSiteChangeWithCookie_Forbidden()
    {
        _host.Client.DefaultRequestHeaders.Authorization = null;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/mcp-servers/ms1abc/stop");
        request.Headers.Add("Sec-Fetch-Site", "same-site");
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Client.SendAsync(request)).StatusCode);
        await _host.Servers.DidNotReceiveWithAnyArgs().Stop(default!, default!, default);
    }

    [Theory]
    [InlineData("GET", "/api/mcp-servers/none")]
    [InlineData("DELETE", "/api/mcp-servers/none")]
    [InlineData("POST", "/api/mcp-servers/none/launch")]
    [InlineData("POST", "/api/mcp-servers/none/restart")]
    [InlineData("POST", "/api/mcp-servers/none/stop")]
    [InlineData("GET", "/api/mcp-servers/none/details")]
    [InlineData("GET", "/api/mcp-servers/none/tools")]
    [InlineData("GET", "/api/mcp-servers/none/logs")]
    [InlineData("GET", "/api/api-keys/none")]
    [InlineData("DELETE", "/api/api-keys/none")]
    [InlineData("GET", "/api/nothing-of-this-kind")]
    public async Task Any_Unknown_NotFound(string method, string path)
    {
        _host.Servers.Tools(default!, default!, default).ReturnsForAnyArgs((IReadOnlyList<ToolView>?)null);
        _host.Servers.Find(default!, default!, default).ReturnsForAnyArgs((McpServerView?)null);
        _host.Servers.Launch(default!, default!, default).ReturnsForAnyArgs((McpServerView?)null);
        _host.Servers.Restart(default!, default!, default).ReturnsForAnyArgs((McpServerView?)null);
        _host.Servers.Stop(default!, default!, default).ReturnsForAnyArgs((McpServerView?)null);
        _host.Servers.Details(default!, default!, default).ReturnsForAnyArgs((ServerDetails?)null);
        _host.Keys.Find(default!, default!, default).ReturnsForAnyArgs((ApiKeyView?)null);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        var response = await _host.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("501")]
    [InlineData("-1")]
    [InlineData("ten")]
    public async Task List_LimitOutOfRange_NamesField(string limit)
    {
        var response = await _host.Client.GetAsync($"/api/mcp-servers?limit={limit}");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("limit", (string?)(await ManagementHost.Json(response))["field"]);
    }

    [Fact]
    public async Task List_Pages_PassOnCursor()
    {
        _host.Servers.List(default!, 0, null, default).ReturnsForAnyArgs(new Page<McpServerView>([ManagementHost.View(new() { Name = "a" })], "next"));
        var json = await ManagementHost.Json(await _host.Client.GetAsync("/api/mcp-servers?limit=1&cursor=here"));
        Assert.Single(json["items"]!.AsArray());
        Assert.Equal("next", (string?)json["nextCursor"]);
        await _host.Servers.Received().List(Arg.Any<Principal>(), 1, "here", Arg.Any<CancellationToken>());

        _host.Servers.List(default!, 0, null, default).ReturnsForAnyArgs(new Page<McpServerView>([], null));
        json = await ManagementHost.Json(await _host.Client.GetAsync("/api/mcp-servers"));
        Assert.False(json.ContainsKey("nextCursor"));
        await _host.Servers.Received().List(Arg.Any<Principal>(), 50, null, Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Tools_ServerUnavailable_SaysWhy()
    {
        _host.Servers.Tools(default!, default!, default).ThrowsAsyncForAnyArgs(new ServerUnavailableException("It exited with code 1."));
        var response = await _host.Client.GetAsync("/api/mcp-servers/ms1abc/tools");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("It exited with code 1.", (string?)(await ManagementHost.Json(response))["detail"]);
    }

    [Fact]
    public async Task Any_Fails_AnswersProblemWithoutDetails()
    {
        _host.Servers.Find(default!, default!, default).ThrowsAsyncForAnyArgs(new InvalidOperationException("secret"));
        var response = await _host.Client.GetAsync("/api/mcp-servers/ms1abc");
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_AcceptEventStream_AnswersEvents()
    {
        _host.Servers.Details(default!, default!, default).ReturnsForAnyArgs(new ServerDetails(new() { Status = DeploymentStatus.Running }, 1, null));
        _host.Servers.Logs(default!, default!, false, default).ReturnsForAnyArgs(_ => Lines());
        Assert.Equal("1970-01-01T00:00:00.000Z [3] hello\n", await _host.Client.GetStringAsync("/api/mcp-servers/ms1abc/logs"));

        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/mcp-servers/ms1abc/logs?follow=true");
        request.Headers.Accept.ParseAdd("text/event-stream");
        var response = await _host.Client.SendAsync(request);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("\"text\":\"hello\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ApiKeys_Create_ShowsKeyAndWarnings()
    {
        _host.Keys.Create(default!, default!, default).ReturnsForAnyArgs(call => new CreatedApiKey
        {
            Id = "ak1",
            Name = call.Arg<NewApiKey>().Name,
            Prefix = "obot_x",
            Scopes = ["mcp"],
            McpServerIDs = call.Arg<NewApiKey>().McpServerIDs,
            CreatedAt = DateTimeOffset.UnixEpoch,
            Key = "obot_secret",
        });
        var response = await _host.Post("/api/api-keys", """{"name":"n","mcpServerIDs":["ms1abc"],"expiresAt":"2030-01-31T12:00:00Z","colour":"red"}""");
        var json = await ManagementHost.Json(response);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("obot_secret", (string?)json["key"]);
        Assert.Equal("ms1abc", (string?)json["mcpServerIDs"]![0]);
        Assert.Contains("colour", json["warnings"]!.ToJsonString(), StringComparison.Ordinal);

        response = await _host.Post("/api/api-keys", """{"name":"n","expiresAt":"tomorrow"}""");
        Assert.Equal("expiresAt", (string?)(await ManagementHost.Json(response))["field"]);
    }

    [Fact]
    public async Task Encryption_Rotate_AnswersKeysOrWhyNot()
    {
        _host.EncryptionKeys.Rotate(default!, default).ReturnsForAnyArgs(new EncryptionView("local", "fp", "k2", 7, [new("t.c", 9, 7)], []));
        var response = await _host.Post("/api/encryption/rotate", "");
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var json = await ManagementHost.Json(response);
        Assert.Equal(("k2", 7), ((string?)json["activeKey"], (int)json["remaining"]!));

        _host.EncryptionKeys.Rotate(default!, default).ThrowsAsyncForAnyArgs(new NotAllowedException("Only the owner."));
        Assert.Equal(HttpStatusCode.Forbidden, (await _host.Post("/api/encryption/rotate", "")).StatusCode);

        _host.EncryptionKeys.Get(default!, default).ThrowsAsyncForAnyArgs(new KeyServiceUnreachableException("aws key 'k': no answer."));
        response = await _host.Client.GetAsync("/api/encryption");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("aws key 'k'", (string?)(await ManagementHost.Json(response))["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenApi_Document_DescribesBodies()
    {
        var json = await ManagementHost.Json(await _host.Client.GetAsync("/openapi/v1.json"));
        Assert.NotNull(json["paths"]!["/api/mcp-servers"]!["post"]!["requestBody"]);
        Assert.NotNull(json["paths"]!["/api/mcp-servers/{id}/logs"]);
        Assert.Contains("connectURL", json.ToJsonString(), StringComparison.Ordinal);
    }

    private static async IAsyncEnumerable<ServerLogLine> Lines()
    {
        await Task.Yield();
        yield return new(DateTimeOffset.UnixEpoch, 3, "hello");
    }
}
