using Microsoft.AspNetCore.Http;

namespace Obot.Chat.Http;

/// <summary>
/// What a browser is told about pages. Scripts come from us only, none inline; MudBlazor sets inline styles. A page is never
/// framed and never cached: it shows what its user may see.
/// </summary>
internal sealed class SecurityHeaders(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<PageMetadata>() is not null)
        {
            context.Response.OnStarting(static state =>
            {
                Set((HttpContext)state);
                return Task.CompletedTask;
            }, context);
        }

        return next(context);
    }

    private static void Set(HttpContext context)
    {
        var host = context.Request.Host.Value;
        var headers = context.Response.Headers;

        // 'self' does not cover WebSockets in every browser
        headers.ContentSecurityPolicy =
            $"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; "
            + "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
        headers.CacheControl = "no-store";
    }
}
