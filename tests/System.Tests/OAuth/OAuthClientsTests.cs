using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.OAuth;

/// <summary>Clients that others wrote find their way to a token by themselves; a script stands in for the person at the browser.</summary>
public sealed class OAuthClientsTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("legacy")]
    [InlineData("auto")]
    public async Task Inspector_WithNothingButTheUrl_RegistersSignsInAndCalls(string era)
    {
        await Npm.EnsureInstalledAsync();
        using var browser = await Browser.OpenAsync(Cluster);
        var server = await MakeAsync(Manifests.Npx($"oauth inspector {era}", Manifests.Everything));
        string[] arguments =
        [
            "--cli", Cluster.Endpoint(server).ToString(), "--transport", "http", "--protocol-era", era, "--method", "tools/call", "--tool-name", "echo", "--tool-arg", "message=hello",
            "--connect-timeout", "90000", "--callback-url", $"http://127.0.0.1:{ObotCluster.FreePort()}/oauth/callback",
        ];
        var result = await ProcessRunner.RunAsync(Npm.Command("mcp-inspector"), arguments, Limit, browser.Environment);
        Assert.Contains("hello", result.Checked().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task McpRemote_WithNothingButTheUrl_RegistersSignsInAndCalls()
    {
        await Npm.EnsureInstalledAsync();
        using var browser = await Browser.OpenAsync(Cluster);
        var server = await MakeAsync(Manifests.Npx("oauth mcp-remote", Manifests.Everything));
        var transport = TypedClient.McpRemote(Cluster.Endpoint(server), browser.Environment);
        Assert.Contains("hello", await TypedClient.EchoAsync(transport, "hello"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task TypeScriptClient_WithNothingButTheUrl_RegistersSignsInRefreshesAndCalls(string version)
    {
        using var browser = await Browser.OpenAsync(Cluster);
        var server = await MakeAsync(Manifests.Npx($"oauth TypeScript {version}", Manifests.Everything));
        var result = await Npm.ScriptAsync("oauth.mjs", [version, Cluster.Endpoint(server).ToString()], Limit, browser.Environment);
        Output.WriteLine(result.Output.Trim());
        var said = JsonNode.Parse(result.Checked().Output)!;
        Assert.Contains("hello", said["result"]!["content"]![0]!["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.True(said["refreshed"]!.GetValue<bool>());
    }

    [Fact]
    public async Task CSharpClient_WithNothingButTheUrl_RegistersSignsInAndCalls()
    {
        using var person = await Visitor.OwnerAsync(Cluster);
        var server = await MakeAsync(Manifests.Npx("oauth C#", Manifests.Everything));
        Assert.Contains("hello", await TypedClient.EchoAsync(TypedClient.OAuth(Cluster.Endpoint(server), person), "hello"), StringComparison.Ordinal);
    }

    /// <summary>How the clients of the field register: as data, so that another one is a line.</summary>
    [Theory]
    [InlineData("Claude", "https://claude.ai/api/mcp/auth_callback", "none")]
    [InlineData("Claude (future)", "https://claude.com/api/mcp/auth_callback", "client_secret_post")]
    [InlineData("Claude Code", "http://localhost:54545/callback", "none")]
    [InlineData("Visual Studio Code", "http://127.0.0.1:33418/", "none")]
    [InlineData("Visual Studio Code (web)", "https://vscode.dev/redirect", "none")]
    [InlineData("Cursor", "cursor://anysphere.cursor-mcp/oauth/user-x/callback", "none")]
    [InlineData("MCP Inspector", "http://localhost:6274/oauth/callback", "none")]
    public async Task Client_OfTheField_RegistersAndGetsACode(string name, string redirect, string method)
    {
        using var client = new OAuthClient(Cluster.Urls[0]);
        using var registered = await client.RegistrationAsync(new
        {
            client_name = name,
            redirect_uris = new[] { redirect },
            grant_types = new[] { "authorization_code", "refresh_token" },
            response_types = new[] { "code" },
            token_endpoint_auth_method = method,
            scope = "mcp",
        });
        var answer = JsonNode.Parse(await registered.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!;
        client.ClientId = answer["client_id"]!.GetValue<string>();
        Assert.Equal(method != "none", answer["client_secret"] is not null);
        Assert.Equal(redirect, answer["redirect_uris"]![0]!.GetValue<string>());

        using var person = await Visitor.OwnerAsync(Cluster);
        var at = await client.AuthorizeAsync(person, $"{Cluster.Urls[0].GetLeftPart(UriPartial.Authority)}/mcp-connect/ms1nowhere", ("redirect_uri", redirect));
        Assert.StartsWith(redirect, at.ToString(), StringComparison.Ordinal);
        Assert.True(OAuthClient.Query(at).ContainsKey("code"));
    }

    /// <summary>The second sign-in does not ask again; taking consent back does, and ends the tokens.</summary>
    [Fact]
    public async Task Consent_GivenOnce_IsRememberedUntilItIsTakenBack()
    {
        using var client = await new OAuthClient(Cluster.Urls[0]).RegisterAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var resource = $"{Cluster.Urls[0].GetLeftPart(UriPartial.Authority)}/mcp-connect/ms1nowhere";
        var token = await client.RedeemAsync(await client.CodeAsync(person, resource));
        using (var again = await person.Http.GetAsync(client.AuthorizeUrl(resource)))
        {
            Assert.StartsWith(OAuthClient.Redirect, again.Headers.Location!.ToString(), StringComparison.Ordinal);
        }

        var list = JsonNode.Parse(await Cluster.Http.GetStringAsync(new Uri("/api/connected-applications", UriKind.Relative)))!["items"]!.AsArray();
        var id = list.Single(item => item!["clientId"]!.GetValue<string>() == client.ClientId)!["id"]!.GetValue<string>();
        (await Cluster.Http.DeleteAsync(new Uri($"/api/connected-applications/{id}", UriKind.Relative))).EnsureSuccessStatusCode().Dispose();
        Assert.Equal("invalid_grant", (await client.RefreshAsync(token.RefreshToken)).Error);
        var page = await person.Http.GetStringAsync(new Uri(client.AuthorizeUrl(resource), UriKind.Relative));
        Assert.Contains("obot_decision", page, StringComparison.Ordinal);
    }
}
