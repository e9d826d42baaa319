using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Obot.Gateway.OAuth.Authorization;

/// <summary>A page of ours without script, never framed.</summary>
/// <param name="body">HTML; whatever comes from outside is encoded in it.</param>
/// <param name="formAction">The directive of the Content-Security-Policy.</param>
internal sealed class PlainPage(string body, int status, string formAction) : IResult
{
    private const string Style =
        "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:Canvas;color:CanvasText;color-scheme:light dark}main{max-width:34rem;margin:8vh auto;padding:0 1.25rem}h1{font-size:1.4rem}"
        + "dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}li{overflow-wrap:anywhere}.hint{opacity:.7;font-size:.9rem}"
        + "button{font:inherit;padding:.5rem 1.5rem;border-radius:.4rem;border:1px solid GrayText;background:transparent;color:inherit;cursor:pointer}.main{background:#3f51b5;border-color:#3f51b5;color:#fff}";

    private static readonly string StyleHash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)));

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var headers = httpContext.Response.Headers;
        headers.ContentSecurityPolicy = $"default-src 'none'; style-src 'sha256-{StyleHash}'; base-uri 'none'; frame-ancestors 'none'; {formAction}";
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
        httpContext.Response.StatusCode = status;
        httpContext.Response.ContentType = "text/html; charset=utf-8";
        return httpContext.Response.WriteAsync(
            $"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Obot</title><style>{Style}</style></head><body><main>{body}</main></body></html>""",
            httpContext.RequestAborted);
    }
}
