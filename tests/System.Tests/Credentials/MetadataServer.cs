using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Obot.SystemTests.Credentials;

/// <summary>
/// An MCP server in a few lines: answers every request with the headers that it saw, as text of a tool's result. With an issuer it denies
/// whoever has no token and names that issuer; with a wanted header it denies whoever does not send it.
/// </summary>
internal sealed class MetadataServer : IAsyncDisposable
{
    private readonly WebApplication app;

    private MetadataServer(WebApplication app) => this.app = app;

    public string? Issuer { get; set; }

    /// <summary>Name and value without which it answers 401.</summary>
    public (string Name, string Value)? Wants { get; set; }

    /// <summary>What the last request carried; the answer does not repeat it then.</summary>
    public string? Kept { get; private set; }

    public bool KeepsHeaders { get; set; }

    public Uri Url => new(new Uri(app.Urls.Single()), "/mcp");

    public static async Task<MetadataServer> StartAsync(string? issuer = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new MetadataServer(builder.Build()) { Issuer = issuer };
        server.app.Run(server.AnswerAsync);
        await server.app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        if (context.Request.Path.StartsWithSegments("/.well-known", StringComparison.Ordinal))
        {
            context.Response.StatusCode = Issuer is null ? 404 : 200;
            await context.Response.WriteAsync(JsonSerializer.Serialize(new { resource = Url.ToString(), authorization_servers = new[] { Issuer } }));
            return;
        }

        if ((Issuer is not null && context.Request.Headers.Authorization.Count == 0) || (Wants is { } wanted && context.Request.Headers[wanted.Name] != wanted.Value))
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = Issuer is null ? "" : $"Bearer resource_metadata=\"{new Uri(Url, "/.well-known/oauth-protected-resource/mcp")}\"";
            await context.Response.WriteAsync("{\"error\":\"of the server\"}");
            return;
        }

        var message = await JsonNode.ParseAsync(context.Request.Body);
        var headers = new JsonObject(context.Request.Headers.Select(header => KeyValuePair.Create(header.Key, (JsonNode?)header.Value.ToString())));
        if (KeepsHeaders)
        {
            (Kept, headers) = (headers.ToJsonString(), []);
        }

        await context.Response.WriteAsync(new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["id"] = message!["id"]?.DeepClone(),
            ["result"] = new JsonObject { ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = headers.ToJsonString() }) },
        }.ToJsonString());
    }
}
