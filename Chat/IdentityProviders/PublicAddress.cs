using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Obot.Chat.IdentityProviders;

/// <summary><c>Obot:PublicUrl</c> as the only truth about our own address: redirect URIs follow from it and never from the Host header.</summary>
internal sealed class PublicAddress(IConfiguration configuration)
{
    private readonly Uri url = new((configuration["Obot:PublicUrl"] is { Length: > 0 } given ? given : configuration["Obot:Url"] ?? "http://127.0.0.1:8080").TrimEnd('/'));

    /// <summary>Whether cookies that are set in this answer come back to the public URL; they know no ports.</summary>
    public bool IsAt(HttpRequest request) => request.Host.Host.Equals(url.Host, StringComparison.OrdinalIgnoreCase);

    public string Of(PathString path, QueryString query) => $"{url.AbsoluteUri.TrimEnd('/')}{path.ToUriComponent()}{query.ToUriComponent()}";

    /// <summary>Makes the handlers, which ask the request, see the public URL.</summary>
    public void Apply(HttpRequest request)
    {
        request.Scheme = url.Scheme;
        request.Host = HostString.FromUriComponent(url);
        request.PathBase = url.AbsolutePath.TrimEnd('/') is { Length: > 0 } path ? new PathString(path) : PathString.Empty;
    }
}
