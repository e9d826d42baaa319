using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.OAuth;

/// <summary>What an attacker tries at the authorization server and with its tokens, one test a trick.</summary>
public sealed class OAuthAttackTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private string Issuer => Cluster.Urls[0].GetLeftPart(UriPartial.Authority);

    private string Resource => $"{Issuer}/mcp-connect/ms1nowhere";

    private async Task<OAuthClient> ClientAsync() => await new OAuthClient(Cluster.Urls[0]).RegisterAsync();

    [Fact]
    public async Task Code_WithoutVerifier_IsRefused()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        Assert.Equal("invalid_request", (await client.RedeemAsync(await client.CodeAsync(person, Resource), ("code_verifier", null))).Error);
    }

    [Fact]
    public async Task Code_WithAnotherVerifier_IsRefused()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        Assert.Equal("invalid_grant", (await client.RedeemAsync(await client.CodeAsync(person, Resource), ("code_verifier", new string('x', 43)))).Error);
    }

    [Fact]
    public async Task Code_UsedTwice_EndsWhatItGave()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var code = await client.CodeAsync(person, Resource);
        var first = await client.RedeemAsync(code);
        Assert.Equal("invalid_grant", (await client.RedeemAsync(code)).Error);
        Assert.Equal("invalid_grant", (await client.RefreshAsync(first.RefreshToken)).Error);
    }

    [Fact]
    public async Task Code_OfAnotherClient_IsRefused()
    {
        using var client = await ClientAsync();
        using var thief = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var code = await client.CodeAsync(person, Resource);
        Assert.Equal("invalid_grant", (await thief.RedeemAsync(code, ("code_verifier", client.Verifier))).Error);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData(null)]
    public async Task Challenge_NotS256_IsRefused(string? method)
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        await RefusedOnAPageAsync(person, client.AuthorizeUrl(Resource, ("code_challenge_method", method)), "invalid_request");
    }

    [Fact]
    public async Task Challenge_Missing_IsRefused()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        await RefusedOnAPageAsync(person, client.AuthorizeUrl(Resource, ("code_challenge", null), ("code_challenge_method", null)), "invalid_request");
    }

    [Theory]
    [InlineData("https://evil.example/callback")]
    [InlineData("http://127.0.0.1:39111/callback/../other")]
    [InlineData("http://127.0.0.1:39111/callback?x=1")]
    [InlineData("http://127.0.0.1.evil.example:39111/callback")]
    [InlineData("http://user@127.0.0.1:39111/callback")]
    [InlineData("http://localhost:39111/callback")]
    [InlineData("https://127.0.0.1:39111/callback")]
    public async Task Redirect_NotTheRegisteredOne_IsNeverFollowed(string redirect)
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        using var response = await person.Http.GetAsync(client.AuthorizeUrl(Resource, ("redirect_uri", redirect)));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Null(response.Headers.Location);
    }

    /// <summary>Anybody may register a client: a wrong request for it must not make us send people to its pages (RFC 9700, section 4.11.2).</summary>
    [Theory]
    [InlineData("prompt", "none")]
    [InlineData("scope", "nonsense")]
    [InlineData("resource", "https://elsewhere.example/")]
    [InlineData("response_type", "token")]
    public async Task OpenRedirect_ByAWrongRequestOfARegisteredClient_StaysHere(string parameter, string value)
    {
        using var client = await new OAuthClient(Cluster.Urls[0]).RegisterAsync("https://evil.example/phish");
        using var nobody = new Visitor(Cluster.Urls[0]);
        using var response = await nobody.Http.GetAsync(client.AuthorizeUrl(Resource, ("redirect_uri", "https://evil.example/phish"), (parameter, value)));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Null(response.Headers.Location);
    }

    [Fact]
    public async Task Redirect_OnLoopbackWithAnotherPort_IsFollowed()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var at = await client.AuthorizeAsync(person, Resource, ("redirect_uri", "http://127.0.0.1:50123/callback"));
        Assert.Equal(50123, at.Port);
        Assert.True(OAuthClient.Query(at).ContainsKey("code"));
    }

    [Fact]
    public async Task Answer_NamesItsIssuer_AgainstMixUp()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var query = OAuthClient.Query(await client.AuthorizeAsync(person, Resource));
        var metadata = JsonNode.Parse(await Cluster.Http.GetStringAsync(new Uri("/.well-known/oauth-authorization-server", UriKind.Relative)))!;
        Assert.Equal(metadata["issuer"]!.GetValue<string>(), query["iss"]);
        Assert.Equal("af0ifjsldkj", query["state"]);
        Assert.True(metadata["authorization_response_iss_parameter_supported"]!.GetValue<bool>());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("https://elsewhere.example/mcp")]
    [InlineData("http://127.0.0.1/")]
    public async Task Resource_NotOurs_GetsNoCode(string? resource)
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        await RefusedOnAPageAsync(person, client.AuthorizeUrl(Resource, ("resource", resource)), "invalid_target");
    }

    [Fact]
    public async Task Refresh_ForAnotherServer_IsRefused()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var token = await client.RedeemAsync(await client.CodeAsync(person, Resource));
        Assert.Equal("invalid_target", (await client.RefreshAsync(token.RefreshToken, ("resource", Resource + "2"))).Error);
    }

    [Fact]
    public async Task Token_ForAnotherServer_IsChallengedLikeNone()
    {
        var (one, other) = (await MakeAsync(Manifests.Npx("audience one", Manifests.Everything)), await MakeAsync(Manifests.Npx("audience two", Manifests.Everything)));
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var token = await client.RedeemAsync(await client.CodeAsync(person, $"{Issuer}/mcp-connect/{one.Id}"));
        using var refused = await CallAsync($"/mcp-connect/{other.Id}", token.AccessToken);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Contains("invalid_token", refused.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        using var accepted = await CallAsync($"/mcp-connect/{one.Id}", token.AccessToken);
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
    }

    [Fact]
    public async Task Token_ForAServer_DoesNotOpenTheManagementApi()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var token = await client.RedeemAsync(await client.CodeAsync(person, Resource));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Cluster.Urls[0], "/api/mcp-servers")) { Headers = { Authorization = new("Bearer", token.AccessToken) } };
        using var response = await person.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    public static TheoryData<string> Forgeries => ["alg none", "another key", "another issuer", "expired", "another type", "cut signature"];

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task Token_Forged_IsRefused(string forgery)
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var token = await client.RedeemAsync(await client.CodeAsync(person, Resource));
        using var response = await CallAsync("/mcp-connect/ms1nowhere", ForgedToken.Make(token.AccessToken, forgery));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);

        // the genuine one passes authentication: what refuses above is the forgery
        using var genuine = await CallAsync("/mcp-connect/ms1nowhere", token.AccessToken);
        Assert.Equal(HttpStatusCode.NotFound, genuine.StatusCode);
    }

    [Fact]
    public async Task Refresh_Replayed_EndsTheFamilyOnBothSilosWithinASecond()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var first = await client.RedeemAsync(await client.CodeAsync(person, Resource));
        var second = await client.RefreshAsync(first.RefreshToken);
        foreach (var silo in Cluster.Urls)
        {
            using var good = await CallAsync(new Uri(silo, "/mcp-connect/ms1nowhere").ToString(), second.AccessToken);
            Assert.Equal(HttpStatusCode.NotFound, good.StatusCode);
        }

        Assert.Equal("invalid_grant", (await client.RefreshAsync(first.RefreshToken)).Error);
        var clock = Stopwatch.StartNew();
        foreach (var silo in Cluster.Urls)
        {
            await RefusedAsync(new Uri(silo, "/mcp-connect/ms1nowhere").ToString(), second.AccessToken);
        }

        Output.WriteLine($"replayed refresh token: family refused on both silos after {clock.ElapsedMilliseconds} ms (bound: 1,000)");
        Assert.Equal("invalid_grant", (await client.RefreshAsync(second.RefreshToken)).Error);
    }

    [Fact]
    public async Task Revocation_OfOneToken_EndsTheGrant()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var token = await client.RedeemAsync(await client.CodeAsync(person, Resource));
        (await client.RevokeAsync(token.RefreshToken)).EnsureSuccessStatusCode().Dispose();
        Assert.Equal("invalid_grant", (await client.RefreshAsync(token.RefreshToken)).Error);
        await RefusedAsync("/mcp-connect/ms1nowhere", token.AccessToken);
    }

    [Fact]
    public async Task Consent_ForgedByAnotherSite_IsNotTaken()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        var url = client.AuthorizeUrl(Resource);
        var form = OAuthClient.Query(new Uri(new Uri(Issuer), url));
        form["obot_decision"] = "allow";
        form["obot_consent"] = "CfDJ8FbEMeaJ7KNFjDsluvvYm4fTJrlc";
        using var answer = await person.Http.PostAsync("/oauth/authorize", new FormUrlEncodedContent(form));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Null(answer.Headers.Location);

        // nor the token of another question
        using var other = await ClientAsync();
        var page = await person.Http.GetStringAsync(new Uri(other.AuthorizeUrl(Resource), UriKind.Relative));
        form["obot_consent"] = Visitor.Form(page)["obot_consent"];
        using var moved = await person.Http.PostAsync("/oauth/authorize", new FormUrlEncodedContent(form));
        Assert.Equal(HttpStatusCode.BadRequest, moved.StatusCode);
    }

    [Fact]
    public async Task ConsentPage_CannotBeFramedOrScripted()
    {
        using var client = await ClientAsync();
        using var person = await Visitor.OwnerAsync(Cluster);
        using var page = await person.Http.GetAsync(client.AuthorizeUrl(Resource));
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Equal("DENY", Assert.Single(page.Headers.GetValues("X-Frame-Options")));
    }

    [Fact]
    public async Task Metadata_AskedByAnotherHost_NamesThePublicUrlOnly()
    {
        foreach (var path in (string[])["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource/mcp-connect/ms1nowhere"])
        {
            using var foreign = new HttpRequestMessage(HttpMethod.Get, new Uri(Cluster.Urls[0], path)) { Headers = { Host = "evil.example" } };
            using var refused = await Cluster.Http.SendAsync(foreign);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);

            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Cluster.Urls[0], path)) { Headers = { { "X-Forwarded-Host", "evil.example" }, { "Forwarded", "host=evil.example" } } };
            using var response = await Cluster.Http.SendAsync(request);
            var document = await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
            Assert.DoesNotContain("evil", document, StringComparison.Ordinal);
            Assert.Contains($"\"{Issuer}\"", document, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("http://evil.example/callback")]
    [InlineData("https://evil.example/callback#fragment")]
    [InlineData("/callback")]
    public async Task Registration_OfADangerousRedirect_IsRefused(string redirect)
    {
        using var client = new OAuthClient(Cluster.Urls[0]);
        using var response = await client.RegistrationAsync(new { redirect_uris = new[] { redirect } });
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("invalid_redirect_uri", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static async Task RefusedOnAPageAsync(Visitor person, string url, string error)
    {
        using var response = await person.Http.GetAsync(url);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Null(response.Headers.Location);
        Assert.Contains($"<code>{error}</code>", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private Task<HttpStatusCode> RefusedAsync(string path, string token) => Eventually.ReadAsync(path, "refused", TimeSpan.FromSeconds(10), async () =>
    {
        using var response = await CallAsync(path, token);
        return response.StatusCode;
    }, status => status is HttpStatusCode.Unauthorized);

    private async Task<HttpResponseMessage> CallAsync(string path, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Cluster.Urls[0], path))
        {
            Content = new StringContent("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""", Encoding.UTF8, "application/json"),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        return await Cluster.Http.SendAsync(request);
    }
}
