using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Obot.SystemTests.Credentials;

/// <summary>
/// An MCP server whose authorization server takes token exchange and identity assertions: it reads the platform's keys as a third party would and
/// checks signature, issuer and audience of what it gets; its tokens name the user of the assertion.
/// </summary>
internal sealed class ExchangingServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, string> tokens = new(StringComparer.Ordinal);
    private readonly HttpClient http = new();
    private readonly WebApplication app;
    private readonly Uri platform;

    private ExchangingServer(WebApplication app, Uri platform) => (this.app, this.platform) = (app, platform);

    public Uri Url => new(new Uri(app.Urls.Single()), "/mcp");

    /// <summary>What came to the token endpoint: grant type, <c>typ</c> and claims of the assertion.</summary>
    public ConcurrentQueue<(string Grant, string Type, JsonNode Claims)> Requests { get; } = [];

    private string Issuer => app.Urls.Single();

    public static async Task<ExchangingServer> StartAsync(Uri platform)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new ExchangingServer(builder.Build(), platform);
        server.app.Run(server.AnswerAsync);
        await server.app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        http.Dispose();
    }

    private Task AnswerAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/.well-known/oauth-protected-resource/mcp" => WriteAsync(context, new { resource = Url.ToString(), authorization_servers = new[] { Issuer }, scopes_supported = new[] { "read" } }),
        "/.well-known/oauth-authorization-server" => WriteAsync(context, new
        {
            issuer = Issuer, authorization_endpoint = $"{Issuer}/authorize", token_endpoint = $"{Issuer}/token", code_challenge_methods_supported = new[] { "S256" },
        }),
        "/token" => TokenAsync(context),
        "/mcp" => CallAsync(context),
        _ => WriteAsync(context, new { error = "not found" }, 404),
    };

    private async Task TokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        var assertion = form["assertion"].FirstOrDefault() ?? form["subject_token"].FirstOrDefault() ?? "";
        var keys = new JsonWebKeySet(await http.GetStringAsync(new Uri(platform, "/oauth/jwks")));
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(assertion, new() { ValidIssuer = platform.GetLeftPart(UriPartial.Authority), ValidAudience = Issuer, IssuerSigningKeys = keys.GetSigningKeys() });
        if (!result.IsValid || form["resource"] != Url.ToString() || !context.Request.Headers.Authorization.ToString().StartsWith("Basic ", StringComparison.Ordinal))
        {
            await WriteAsync(context, new { error = "invalid_grant", error_description = result.Exception?.Message ?? "resource or client" }, 400);
            return;
        }

        var token = (JsonWebToken)result.SecurityToken;
        var issued = Guid.NewGuid().ToString("N");
        tokens[issued] = token.Subject;
        Requests.Enqueue((form["grant_type"].ToString(), token.Typ, JsonNode.Parse(Base64UrlEncoder.Decode(token.EncodedPayload))!));
        await WriteAsync(context, new { access_token = issued, token_type = "Bearer", expires_in = 3600 });
    }

    private async Task CallAsync(HttpContext context)
    {
        if (context.Request.Headers.Authorization.ToString() is not ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var token] || !tokens.TryGetValue(token, out var user))
        {
            context.Response.Headers.WWWAuthenticate = $"Bearer resource_metadata=\"{new Uri(Url, "/.well-known/oauth-protected-resource/mcp")}\"";
            await WriteAsync(context, new { error = "of the server" }, 401);
            return;
        }

        var message = await JsonNode.ParseAsync(context.Request.Body);
        await WriteAsync(context, new { jsonrpc = "2.0", id = message!["id"], result = new { content = new[] { new { type = "text", text = user } } } });
    }

    private static Task WriteAsync(HttpContext context, object body, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(JsonSerializer.Serialize(body));
    }
}
