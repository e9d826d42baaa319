using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.OAuth;

/// <summary>Time passes.</summary>
public sealed class ExpiryTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(4);

    /// <summary>Genuine and cached, and yet over: the verdict ends with the token, and the refresh token brings the next one.</summary>
    [Fact]
    public async Task Token_Expired_IsRefusedAlsoWhereItWasKnown()
    {
        await using var cluster = await ObotCluster.StartAsync(1, ("Obot__OAuth__AccessTokenLifetime", Lifetime.ToString()));
        using var visitor = await Visitor.OwnerAsync(cluster);
        using var client = await new OAuthClient(cluster.Urls[0]).RegisterAsync();
        var clock = Stopwatch.StartNew();
        var token = await client.RedeemAsync(await client.CodeAsync(visitor, $"{cluster.Urls[0].GetLeftPart(UriPartial.Authority)}/mcp-connect/ms1nowhere"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(cluster, token.AccessToken));

        await Eventually.ReadAsync("the token", "refused", Lifetime * 10, () => StatusAsync(cluster, token.AccessToken), status => status is HttpStatusCode.Unauthorized);
        output.WriteLine($"a token of {Lifetime.TotalSeconds:0} s was refused {clock.Elapsed.TotalSeconds:0.0} s after its code was asked for");
        Assert.True(clock.Elapsed >= Lifetime - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(cluster, (await client.RefreshAsync(token.RefreshToken)).AccessToken));
    }

    private static async Task<HttpStatusCode> StatusAsync(ObotCluster cluster, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(cluster.Urls[0], "/mcp-connect/ms1nowhere")) { Content = JsonContent.Create(new { jsonrpc = "2.0", id = 1, method = "ping" }) };
        request.Headers.Authorization = new("Bearer", token);
        using var response = await cluster.Http.SendAsync(request);
        return response.StatusCode;
    }
}
