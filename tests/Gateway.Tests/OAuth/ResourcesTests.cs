using Microsoft.Extensions.Options;
using Obot.Gateway.OAuth;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Tests.OAuth;

public sealed class ResourcesTests
{
    private readonly Resources resources = new(Options.Create(new AddressOptions { Url = "http://127.0.0.1:8080", PublicUrl = "https://mcp.example.com/" }));

    [Theory]
    [InlineData("https://mcp.example.com/mcp-connect/ms1abc", Scopes.Mcp, "ms1abc")]
    [InlineData("https://mcp.example.com/mcp-connect/ms1abc/", Scopes.Mcp, "ms1abc")]
    [InlineData("https://mcp.example.com/mcp-connect/a-b_c.d", Scopes.Mcp, "a-b_c.d")]
    [InlineData("https://mcp.example.com/api", Scopes.Api, null)]
    [InlineData("https://mcp.example.com/api/llm-proxy", Scopes.Llm, null)]
    public void Resource_OfOurs_IsKnownByOneName(string uri, string scope, string? server)
    {
        Assert.True(resources.TryParse(uri, out var resource));
        Assert.Equal(new Resource(uri.TrimEnd('/'), scope, server), resource);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("https://mcp.example.com")]
    [InlineData("https://mcp.example.com/")]
    [InlineData("https://mcp.example.com/mcp-connect")]
    [InlineData("https://mcp.example.com/mcp-connect/")]
    [InlineData("https://mcp.example.com/mcp-connect/..")]
    [InlineData("https://mcp.example.com/mcp-connect/../api")]
    [InlineData("https://mcp.example.com/mcp-connect/%2e%2e/api")]
    [InlineData("https://mcp.example.com/mcp-connect/one/two")]
    [InlineData("https://mcp.example.com/mcp-connect/one?x=1")]
    [InlineData("https://mcp.example.com/mcp-connect/one#x")]
    [InlineData("https://mcp.example.com/mcp-connect/öne")]
    [InlineData("https://mcp.example.com/MCP-connect/one")]
    [InlineData("https://mcp.example.com/apis")]
    [InlineData("https://mcp.example.com/api/mcp-servers")]
    [InlineData("https://mcp.example.com.evil.example/mcp-connect/one")]
    [InlineData("https://mcp.example.com@evil.example/mcp-connect/one")]
    [InlineData("https://mcp.example.com:444/mcp-connect/one")]
    [InlineData("http://mcp.example.com/mcp-connect/one")]
    [InlineData("http://127.0.0.1:8080/mcp-connect/one")]
    public void Resource_NotOurs_IsRefused(string? uri) => Assert.False(resources.TryParse(uri, out _));

    [Fact]
    public void Resource_WithATooLongId_IsRefused() => Assert.False(resources.TryParse(resources.OfServer(new string('x', 201)), out _));

    [Fact]
    public void Metadata_OfAResource_HasItsPathBehindTheWellKnownName()
    {
        Assert.Equal("https://mcp.example.com", resources.Issuer);
        Assert.True(resources.TryParse(resources.OfServer("ms1abc"), out var resource));
        Assert.Equal("https://mcp.example.com/.well-known/oauth-protected-resource/mcp-connect/ms1abc", resources.MetadataOf(resource));
    }
}
