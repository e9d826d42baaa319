using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Obot.Gateway.Mcp;

namespace Obot.Gateway;

/// <summary>Section <c>Obot</c>, the addresses.</summary>
public sealed class AddressOptions
{
    /// <summary>Where this silo listens for people and clients. Default <c>http://127.0.0.1:8080</c>.</summary>
    public string Url { get; set; } = "http://127.0.0.1:8080";

    /// <summary>Where clients reach the platform. Default: <see cref="Url"/>.</summary>
    public string? PublicUrl { get; set; }

    /// <summary>Without a trailing slash.</summary>
    public string EffectivePublicUrl => (PublicUrl ?? Url).TrimEnd('/');
}

/// <summary>
/// Refuses hosts and origins that are not ours before anything else looks at a request: a page of another site that made its name
/// resolve to this machine (DNS rebinding) gets 403.
/// </summary>
internal sealed class Hosts
{
    private readonly FrozenSet<string> hosts;
    private readonly FrozenSet<string> origins;

    public Hosts(IOptions<AddressOptions> addresses, IOptions<GatewayOptions> gateway)
    {
        List<Uri> own = [new(addresses.Value.EffectivePublicUrl), new(addresses.Value.Url)];
        own.AddRange(own.Where(uri => uri.IsLoopback).SelectMany(uri => Loopback(uri)).ToList());
        hosts = own.Select(uri => uri.Authority).Concat(gateway.Value.AllowedHosts).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        origins = own.Select(uri => uri.GetLeftPart(UriPartial.Authority)).Concat(gateway.Value.AllowedOrigins).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        // probes and scrapers come by address
        if (context.Request.Path.Value is "/healthz" or "/readyz" or "/metrics")
        {
            return next(context);
        }

        if (!hosts.Contains(context.Request.Host.Value ?? ""))
        {
            return McpError.RefuseAsync(context, StatusCodes.Status403Forbidden, $"The host '{context.Request.Host}' is not served here (Obot:PublicUrl, Obot:Gateway:AllowedHosts).");
        }

        var origin = context.Request.Headers.Origin;
        if (origin.Count == 0 || IsSignInAnswer(context.Request))
        {
            return next(context);
        }

        var isKnown = origin.Count == 1 && origins.Contains(origin[0]!);
        if (IsForAnyPage(context.Request.Path))
        {
            Cors.AllowAnyone(context.Response);
        }
        else if (isKnown)
        {
            Cors.Allow(context);
        }
        else
        {
            return McpError.RefuseAsync(context, StatusCodes.Status403Forbidden, $"Pages of '{origin}' may not call this host (Obot:Gateway:AllowedOrigins).");
        }

        if (!Cors.IsPreflight(context.Request))
        {
            return next(context);
        }

        Cors.AnswerPreflight(context);
        return Task.CompletedTask;
    }

    /// <summary>A form of an identity provider (<c>response_mode=form_post</c>): sealed state and correlation cookie tell whether we asked for it.</summary>
    private static bool IsSignInAnswer(HttpRequest request) =>
        HttpMethods.IsPost(request.Method)
        && request.Path.StartsWithSegments("/signin", StringComparison.Ordinal, out var rest)
        && rest.Value!.EndsWith("/callback", StringComparison.Ordinal);

    /// <summary>What no cookie opens and anybody may read: MCP clients that run in a browser find their way to a token here.</summary>
    private static bool IsForAnyPage(PathString path) =>
        path.StartsWithSegments("/.well-known", StringComparison.Ordinal) || path.StartsWithSegments(Registry.RegistryEndpoints.Prefix, StringComparison.Ordinal) || path.Value is "/oauth/token" or "/oauth/register" or "/oauth/revoke" or "/oauth/jwks";

    private static IEnumerable<Uri> Loopback(Uri uri) =>
        new[] { "localhost", "127.0.0.1", "[::1]" }.Select(host => new Uri($"{uri.Scheme}://{host}:{uri.Port}"));
}
