using System.Collections.Concurrent;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Gateway.OAuth.Tokens;

/// <summary>The identity providers whose identity assertions are taken, and their keys: read from their discovery documents, kept and refreshed by the library.</summary>
internal sealed class TrustedIssuers(ISignInProviders providers, IHttpClientFactory http)
{
    public const string HttpClientName = "obot-trusted-issuers";
    private const string Discovery = "/.well-known/openid-configuration";

    private readonly ConcurrentDictionary<string, ConfigurationManager<OpenIdConnectConfiguration>> managers = new(StringComparer.Ordinal);

    /// <summary>Null when no enabled provider with enterprise-managed authorization has this issuer.</summary>
    public async Task<(AuthProvider Provider, ConfigurationManager<OpenIdConnectConfiguration> Manager)?> FindAsync(string issuer, CancellationToken cancellationToken)
    {
        foreach (var choice in await providers.List(cancellationToken))
        {
            if (await providers.Find(choice.Id, cancellationToken) is { Kind: AuthProviderKind.Oidc, Settings.EnterpriseManaged: true } provider
                && provider.Authority.TrimEnd('/') == issuer.TrimEnd('/'))
            {
                return (provider, managers.GetOrAdd(provider.Authority, Manager));
            }
        }

        return null;
    }

    private ConfigurationManager<OpenIdConnectConfiguration> Manager(string authority) => new(
        authority.TrimEnd('/') + Discovery,
        new OpenIdConnectConfigurationRetriever(),
        new HttpDocumentRetriever(http.CreateClient(HttpClientName)) { RequireHttps = !new Uri(authority).IsLoopback });
}
