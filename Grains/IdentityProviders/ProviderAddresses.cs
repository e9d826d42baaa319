using Microsoft.Extensions.Configuration;

namespace Obot.Grains.IdentityProviders;

/// <summary>Addresses that providers are told: built on <c>Obot:PublicUrl</c>, never on what a request says of itself.</summary>
internal sealed class ProviderAddresses(IConfiguration configuration)
{
    public Uri PublicUrl { get; } = new((configuration["Obot:PublicUrl"] is { Length: > 0 } url ? url : configuration["Obot:Url"] ?? "http://127.0.0.1:8080").TrimEnd('/'));

    public string RedirectUri(string providerId) => $"{Base}/signin/{providerId}/callback";

    public string TestUrl(string providerId, string testId) => $"{Base}/signin/{providerId}?test={testId}";

    private string Base => PublicUrl.AbsoluteUri.TrimEnd('/');
}
