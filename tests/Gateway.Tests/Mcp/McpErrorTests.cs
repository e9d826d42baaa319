using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Mcp;

namespace Obot.Gateway.Tests.Mcp;

public sealed class McpErrorTests
{
    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":7,"method":"tools/list"}""", "7")]
    [InlineData("""{"method":"x","params":{"id":1},"id":"a\"b"}""", "\"a\\\"b\"")]
    [InlineData("""{"method":"x","params":{"id":1}}""", "null")]
    [InlineData("""{"id":{"a":1},"method":"x"}""", "null")]
    [InlineData("""[{"id":1}]""", "null")]
    [InlineData("no json", "null")]
    [InlineData("", "null")]
    [InlineData("""{"method":"x","params":{"cut""", "null")]
    public async Task Refusal_CarriesTheIdOfTheRequest(string request, string id)
    {
        var context = new DefaultHttpContext();
        using var written = new MemoryStream();
        context.Response.Body = written;

        await McpError.RefuseAsync(context, 503, "why \"so\"", Encoding.UTF8.GetBytes(request));
        await context.Response.BodyWriter.FlushAsync();

        using var error = JsonDocument.Parse(written.ToArray());
        Assert.Equal(503, context.Response.StatusCode);
        Assert.Equal(id, error.RootElement.GetProperty("id").GetRawText());
        Assert.Equal("why \"so\"", error.RootElement.GetProperty("error").GetProperty("message").GetString());
    }
}
