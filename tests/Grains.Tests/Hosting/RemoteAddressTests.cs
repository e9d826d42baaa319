using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting;

namespace Obot.Grains.Tests.Hosting;

public sealed class RemoteAddressTests
{
    private const string Template = "https://${TENANT}.example.com/${SPACE}/mcp?team=${TEAM}";

    [Fact]
    public void Template_WithValues_IsFilledAndEscapedBehindTheHost() =>
        Assert.Equal("https://acme.example.com/my%20space%2F..%2Fx/mcp?team=a%26b%3Dc", RemoteAddress.Of(Of(Template), Values(("TENANT", "acme"), ("SPACE", "my space/../x"), ("TEAM", "a&b=c"))));

    [Theory]
    [InlineData("evil.test/")]
    [InlineData("evil.test/?")]
    [InlineData("evil.test#")]
    [InlineData("user@evil")]
    [InlineData("evil.test:81/x")]
    [InlineData("evil\\test")]
    [InlineData("%2e")]
    [InlineData("a b")]
    public void Template_ValueInTheHost_CannotMoveTheRequestElsewhere(string tenant)
    {
        var error = Assert.Throws<InvalidInputException>(() => RemoteAddress.Check(Of(Template), "TENANT", tenant));
        Assert.Equal("TENANT", error.Field);
        Assert.Throws<ServerStartException>(() => RemoteAddress.Of(Of(Template), Values(("TENANT", tenant), ("SPACE", "s"), ("TEAM", "t"))));
    }

    [Fact]
    public void Template_WholeHost_TakesAPastedAddress() =>
        Assert.Equal("https://dbc-1.cloud.example.com/api", RemoteAddress.Of(Of("https://${WORKSPACE}/api"), Values(("WORKSPACE", "https://dbc-1.cloud.example.com/"))));

    [Fact]
    public void Template_WithoutAValue_SaysWhichOneIsMissing()
    {
        Assert.Equal(["TENANT", "SPACE", "TEAM"], RemoteAddress.Asked(Of(Template)).Select(entry => entry.Key));
        Assert.Equal(["SPACE", "TEAM"], ManifestEntries.Missing(Of(Template), Values(("TENANT", "acme"))));
        Assert.Contains("SPACE", Assert.Throws<ServerStartException>(() => RemoteAddress.Of(Of(Template), Values(("TENANT", "acme")))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*.example.com", "https://a.example.com/mcp", true)]
    [InlineData("*.example.com", "https://a.b.example.com/mcp", true)]
    [InlineData("*.example.com", "https://A.EXAMPLE.COM/mcp", true)]
    [InlineData("*.example.com", "https://example.com/mcp", false)]
    [InlineData("*.example.com", "https://.example.com/mcp", false)]
    [InlineData("*.example.com", "https://badexample.com/mcp", false)]
    [InlineData("*.example.com", "https://a.example.com.evil.test/mcp", false)]
    [InlineData("*.example.com", "https://a.example.com@evil.test/mcp", false)]
    [InlineData("*.example.com", "https://evil.test/?.example.com", false)]
    [InlineData("mcp.example.com", "https://mcp.example.com:8443/x", true)]
    [InlineData("mcp.example.com", "https://x.mcp.example.com/", false)]
    [InlineData("mcp.example.com", "ftp://mcp.example.com/", false)]
    [InlineData("mcp.example.com", "file:///etc/passwd", false)]
    public void Hostname_UrlOfTheUser_HasToBeOnIt(string host, string url, bool fits)
    {
        var manifest = new ServerManifest { Name = "n", Runtime = Runtimes.Remote, RemoteConfig = new() { Hostname = host } };
        Assert.Equal(RemoteAddress.UrlKey, Assert.Single(RemoteAddress.Asked(manifest)).Key);
        if (fits)
        {
            RemoteAddress.Check(manifest, RemoteAddress.UrlKey, url);
            Assert.Equal(url, RemoteAddress.Of(manifest, Values((RemoteAddress.UrlKey, url))));
        }
        else
        {
            Assert.Equal(RemoteAddress.UrlKey, Assert.Throws<InvalidInputException>(() => RemoteAddress.Check(manifest, RemoteAddress.UrlKey, url)).Field);
        }
    }

    private static ServerManifest Of(string template) => new() { Name = "n", Runtime = Runtimes.Remote, RemoteConfig = new() { UrlTemplate = template } };

    private static Dictionary<string, string> Values(params (string Key, string Value)[] values) => values.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
}
