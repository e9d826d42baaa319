using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Obot.Gateway.Management;

/// <summary><c>Obot:PublicUrl</c>, or the address that the request came to.</summary>
internal sealed class PublicUrl(IConfiguration configuration)
{
    private readonly string? _configured = configuration["Obot:PublicUrl"]?.TrimEnd('/') is { Length: > 0 } url ? url : null;

    public string Of(HttpContext context) => _configured ?? $"{context.Request.Scheme}://{context.Request.Host}";
}
