using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Obot.Gateway;
using Obot.Gateway.Mcp;

namespace Obot.Gateway.Tests.Mcp;

public sealed class HostsTests
{
    private readonly Hosts hosts = new(
        Options.Create(new AddressOptions { Url = "http://127.0.0.1:8080", PublicUrl = "https://mcp.example.com" }),
        Options.Create(new GatewayOptions()));

    [Theory]
    [InlineData("127.0.0.1:8080")]
    [InlineData("localhost:8080")]
    [InlineData("[::1]:8080")]
    [InlineData("mcp.example.com")]
    public async Task Host_OfOurs_IsServed(string host) => Assert.Equal(200, await StatusAsync(host, origin: null));

    /// <summary>DNS rebinding: the attacker's name resolves to this machine.</summary>
    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:8080")]
    [InlineData("127.0.0.1:9999")]
    [InlineData("mcp.example.com.evil.example")]
    [InlineData("")]
    public async Task Host_Rebound_IsRefused(string host) => Assert.Equal(403, await StatusAsync(host, origin: null));

    [Theory]
    [InlineData("https://evil.example", 403)]
    [InlineData("null", 403)]
    [InlineData("http://mcp.example.com", 403)]
    [InlineData("https://mcp.example.com", 200)]
    [InlineData("http://localhost:8080", 200)]
    public async Task Origin_MustBeOurs(string origin, int status) => Assert.Equal(status, await StatusAsync("127.0.0.1:8080", origin));

    /// <summary>An identity provider may answer with a form of its own page; whether we asked for it is another check.</summary>
    [Theory]
    [InlineData("POST", "/signin/company/callback", 200)]
    [InlineData("GET", "/signin/company/callback", 403)]
    [InlineData("POST", "/signin/company", 403)]
    [InlineData("POST", "/session/local", 403)]
    public async Task Origin_OfAnIdentityProvider_MayAnswerASignInOnly(string method, string path, int status) =>
        Assert.Equal(status, await StatusAsync("127.0.0.1:8080", "https://idp.example", method, path));

    /// <summary>Clients that run in a page find their way to a token from any origin; what a session could open stays ours.</summary>
    [Theory]
    [InlineData("/.well-known/oauth-authorization-server", 204, "*")]
    [InlineData("/.well-known/oauth-protected-resource/mcp-connect/ms1", 204, "*")]
    [InlineData("/oauth/token", 204, "*")]
    [InlineData("/oauth/register", 204, "*")]
    [InlineData("/oauth/authorize", 403, "")]
    [InlineData("/api/mcp-servers", 403, "")]
    [InlineData("/mcp-connect/ms1", 403, "")]
    public async Task Preflight_OfAForeignPage_IsAnsweredForPublicDocumentsOnly(string path, int status, string allowed)
    {
        var context = Preflight("https://app.example", path);
        await hosts.InvokeAsync(context, _ => throw new InvalidOperationException("a preflight went on"));
        Assert.Equal(status, context.Response.StatusCode);
        Assert.Equal(allowed, context.Response.Headers.AccessControlAllowOrigin.ToString());
        Assert.Equal(0, context.Response.Headers.AccessControlAllowCredentials.Count);
    }

    [Fact]
    public async Task Preflight_OfAnAllowedPage_IsAnsweredForServersToo()
    {
        var open = new GatewayOptions();
        open.AllowedOrigins.Add("https://app.example");
        var served = new Hosts(Options.Create(new AddressOptions { Url = "http://127.0.0.1:8080" }), Options.Create(open));
        var context = Preflight("https://app.example", "/mcp-connect/ms1");
        context.Request.Headers.AccessControlRequestHeaders = "authorization, mcp-param-city";
        await served.InvokeAsync(context, _ => throw new InvalidOperationException("a preflight went on"));
        Assert.Equal(204, context.Response.StatusCode);
        Assert.Equal("https://app.example", context.Response.Headers.AccessControlAllowOrigin.ToString());
        Assert.Equal("authorization, mcp-param-city", context.Response.Headers.AccessControlAllowHeaders.ToString());
        Assert.Contains("Mcp-Session-Id", context.Response.Headers.AccessControlExposeHeaders.ToString(), StringComparison.Ordinal);
    }

    private static DefaultHttpContext Preflight(string origin, string path)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = "OPTIONS";
        context.Request.Host = new HostString("127.0.0.1:8080");
        context.Request.Path = path;
        context.Request.Headers.Origin = origin;
        context.Request.Headers.AccessControlRequestMethod = "POST";
        return context;
    }

    private async Task<int> StatusAsync(string host, string? origin, string method = "GET", string path = "/mcp-connect/ms1")
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Request.Host = new HostString(host);
        context.Request.Path = path;
        if (origin is not null)
        {
            context.Request.Headers.Origin = origin;
        }

        await hosts.InvokeAsync(context, _ => Task.CompletedTask);
        return context.Response.StatusCode;
    }
}
