using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.OAuth;

/// <summary>Tokens without a person at a browser: service accounts, and users for whom their organization's identity provider vouches.</summary>
public sealed class MachineTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private const string JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

    private string Issuer => Cluster.Urls[0].GetLeftPart(UriPartial.Authority);

    private string Resource => $"{Issuer}/mcp-connect/ms1nowhere";

    [Fact]
    public async Task ServiceAccount_ClientCredentials_AreGoodUntilItIsDisabled()
    {
        var account = await PostAsync("/api/service-accounts", new { name = $"robot {Guid.NewGuid():N}" });
        var id = account["id"]!.GetValue<string>();
        var client = await PostAsync($"/api/service-accounts/{id}/client-secrets", new { });
        using var oauth = new OAuthClient(Cluster.Urls[0]);
        (string, string?)[] form =
        [
            ("grant_type", "client_credentials"), ("client_id", client["clientID"]!.GetValue<string>()), ("client_secret", client["clientSecret"]!.GetValue<string>()), ("resource", Resource),
        ];
        Assert.Equal("invalid_client", (await oauth.TokenAsync([.. form, ("client_secret", "wrong")])).Error);
        Assert.Equal("invalid_target", (await oauth.TokenAsync([.. form, ("resource", null)])).Error);
        var token = await oauth.TokenAsync(form);
        Assert.Null(token.Body!["refresh_token"]);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(Cluster.Urls[1], token.AccessToken));

        using var disabled = await Cluster.Http.PatchAsync(new Uri($"/api/users/{id}", UriKind.Relative), JsonContent.Create(new { disabled = true }));
        disabled.EnsureSuccessStatusCode();
        var clock = Stopwatch.StartNew();
        await Eventually.ReadAsync("the account's token", "refused on the other silo", TimeSpan.FromSeconds(10), () => StatusAsync(Cluster.Urls[1], token.AccessToken), status => status is HttpStatusCode.Unauthorized);
        Output.WriteLine($"service account disabled: token refused on the other silo after {clock.ElapsedMilliseconds} ms (bound: 1,000)");
        Assert.Equal("unauthorized_client", (await oauth.TokenAsync(form)).Error);
    }

    [Fact]
    public async Task IdentityAssertion_OfTheOrganization_GivesATokenOnce()
    {
        await using var idp = await EnterpriseIdp.StartAsync();
        var (oauth, client) = await ManagedAsync(idp, managed: true);
        using (oauth)
        {
            var assertion = idp.Assert(Issuer, client.Id, Resource);
            var token = await RedeemAsync(oauth, client, assertion);
            Assert.Null(token.Body!["refresh_token"]);
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(Cluster.Urls[1], token.AccessToken));

            // a replay is refused on whichever silo
            using var other = new OAuthClient(Cluster.Urls[1]);
            Assert.Equal("invalid_grant", (await RedeemAsync(other, client, assertion)).Error);
            Assert.Equal("invalid_grant", (await RedeemAsync(oauth, client, assertion)).Error);
        }
    }

    public static TheoryData<string, string> WrongAssertions => new()
    {
        { "audience of another server", "invalid_grant" },
        { "resource of another platform", "invalid_target" },
        { "resource other than the request's", "invalid_target" },
        { "another client", "invalid_grant" },
        { "another type", "invalid_grant" },
        { "another key", "invalid_grant" },
        { "expired", "invalid_grant" },
        { "good for a day", "invalid_grant" },
        { "without jti", "invalid_grant" },
        { "scope without mcp", "invalid_scope" },
        { "alg none", "invalid_grant" },
        { "of an unknown issuer", "invalid_grant" },
    };

    [Theory]
    [MemberData(nameof(WrongAssertions))]
    public async Task IdentityAssertion_Wrong_IsRefused(string what, string error)
    {
        await using var idp = await EnterpriseIdp.StartAsync();
        var (oauth, client) = await ManagedAsync(idp, managed: true);
        using (oauth)
        {
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
            using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var assertion = what switch
            {
                "audience of another server" => idp.Assert("https://elsewhere.example", client.Id, Resource),
                "resource of another platform" => idp.Assert(Issuer, client.Id, "https://elsewhere.example/mcp"),
                "resource other than the request's" => idp.Assert(Issuer, client.Id, Resource + "2"),
                "another client" => idp.Assert(Issuer, "somebody", Resource),
                "another type" => idp.Assert(Issuer, client.Id, Resource, null, ("header:typ", "JWT")),
                "another key" => idp.Assert(Issuer, client.Id, Resource, stranger),
                "expired" => idp.Assert(Issuer, client.Id, Resource, null, ("exp", now - 60)),
                "good for a day" => idp.Assert(Issuer, client.Id, Resource, null, ("exp", now + 86400)),
                "without jti" => idp.Assert(Issuer, client.Id, Resource, null, ("jti", null)),
                "scope without mcp" => idp.Assert(Issuer, client.Id, Resource, null, ("scope", "calendar")),
                "alg none" => idp.Assert(Issuer, client.Id, Resource, null, ("header:alg", "none")),
                "of an unknown issuer" => idp.Assert(Issuer, client.Id, Resource, null, ("iss", "https://elsewhere.example")),
                _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
            };
            Assert.Equal(error, (await RedeemAsync(oauth, client, assertion, ("resource", what.StartsWith("resource other", StringComparison.Ordinal) ? Resource : null))).Error);

            // the same client with a right one
            Assert.Equal(200, (await RedeemAsync(oauth, client, idp.Assert(Issuer, client.Id, Resource))).Status);
        }
    }

    [Fact]
    public async Task IdentityAssertion_OfAProviderThatOnlySignsIn_IsRefused()
    {
        await using var idp = await EnterpriseIdp.StartAsync();
        var (oauth, client) = await ManagedAsync(idp, managed: false);
        using (oauth)
        {
            Assert.Equal("invalid_grant", (await RedeemAsync(oauth, client, idp.Assert(Issuer, client.Id, Resource))).Error);
        }
    }

    /// <summary>RFC 8693: only the client that holds a token, only with its secret, only for the same kind of resource.</summary>
    [Fact]
    public async Task TokenExchange_ByTheClientThatHoldsTheToken_IsForAnotherServerAndNothingElse()
    {
        const string exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
        string[] grants = ["authorization_code", "refresh_token", exchange];
        using var visitor = await Visitor.OwnerAsync(Cluster);
        var holder = await PostAsync("/api/oauth-clients", new { name = "holder", redirectURIs = new[] { OAuthClient.Redirect }, grantTypes = grants });
        var stranger = await PostAsync("/api/oauth-clients", new { name = "stranger", redirectURIs = new[] { OAuthClient.Redirect }, grantTypes = grants });
        using var oauth = new OAuthClient(Cluster.Urls[0]) { ClientId = holder["clientID"]!.GetValue<string>() };
        var secret = ("client_secret", holder["clientSecret"]!.GetValue<string>());
        var subject = await oauth.RedeemAsync(await oauth.CodeAsync(visitor, Resource), secret!);
        (string, string?)[] form =
        [
            ("grant_type", exchange), ("subject_token", subject.AccessToken), ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("client_id", oauth.ClientId), secret!, ("resource", $"{Issuer}/mcp-connect/ms1other"),
        ];
        var token = await oauth.TokenAsync(form);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(Cluster.Urls[1], token.AccessToken, "ms1other"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Cluster.Urls[1], token.AccessToken, "ms1nowhere"));

        Assert.Equal("invalid_target", (await oauth.TokenAsync([.. form, ("resource", $"{Issuer}/api")])).Error);
        Assert.Equal("invalid_client", (await oauth.TokenAsync([.. form, ("client_secret", "wrong")])).Error);
        var stolen = await oauth.TokenAsync([.. form, ("client_id", stranger["clientID"]!.GetValue<string>()), ("client_secret", stranger["clientSecret"]!.GetValue<string>())]);
        Assert.Equal(400, stolen.Status);
        Assert.Null(stolen.Body!["access_token"]);
    }

    private async Task<(OAuthClient Client, (string Id, string Secret) Credentials)> ManagedAsync(EnterpriseIdp idp, bool managed)
    {
        await PostAsync("/api/auth-providers", new
        {
            id = $"corp-{Guid.NewGuid().ToString("N")[..8]}",
            name = "Corp",
            settings = new { preset = "oidc", authority = idp.Issuer, clientId = "obot", enterpriseManaged = managed },
            clientSecret = "secret",
        });
        var made = await PostAsync("/api/oauth-clients", new { name = "agent", grantTypes = new[] { JwtBearer } });
        return (new OAuthClient(Cluster.Urls[0]), (made["clientID"]!.GetValue<string>(), made["clientSecret"]!.GetValue<string>()));
    }

    private static Task<TokenAnswer> RedeemAsync(OAuthClient oauth, (string Id, string Secret) client, string assertion, params (string, string?)[] changes) => oauth.TokenAsync(
        [("grant_type", JwtBearer), ("assertion", assertion), ("client_id", client.Id), ("client_secret", client.Secret), .. changes]);

    private async Task<JsonNode> PostAsync(string path, object body)
    {
        using var response = await Cluster.Http.PostAsJsonAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }

    private async Task<HttpStatusCode> StatusAsync(Uri silo, string token, string serverId = "ms1nowhere")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(silo, $"/mcp-connect/{serverId}")) { Content = JsonContent.Create(new { jsonrpc = "2.0", id = 1, method = "ping" }) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await Cluster.Http.SendAsync(request);
        return response.StatusCode;
    }
}
