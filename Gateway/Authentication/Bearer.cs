using Microsoft.AspNetCore.Http;

namespace Obot.Gateway.Authentication;

/// <summary>The bearer token of RFC 6750, section 2.1; never from the query string.</summary>
internal static class Bearer
{
    private const string Scheme = "Bearer ";

    public static string? Read(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        return header.Count == 1 && header[0] is { } value && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? value[Scheme.Length..].Trim()
            : null;
    }
}
