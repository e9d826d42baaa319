using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.IdentityProviders;
using Obot.Grains.Abstractions.Security;

namespace Obot.Chat.IdentityProviders;

/// <summary>A provider, ready to be used on this silo.</summary>
/// <param name="Provider">As configured.</param>
/// <param name="Options">Of ASP.NET Core's handler for its protocol.</param>
internal sealed record ProviderScheme(AuthProvider Provider, RemoteAuthenticationOptions Options);

/// <summary>
/// ASP.NET Core's handlers with options read on a miss, so that a provider saved at one silo works at every other one at once. Nothing is
/// registered as a scheme: a request that is not about signing in costs nothing here, however many providers there are.
/// </summary>
internal sealed class ProviderSchemes : IDisposable
{
    private readonly ConcurrentDictionary<string, ProviderScheme> known = new(StringComparer.Ordinal);
    private readonly ISignInProviders providers;
    private readonly ISecurityFeed feed;
    private readonly OidcOptions oidc;
    private readonly GitHubOptions gitHub;
    private readonly ILoggerFactory loggers;
    private readonly IDisposable subscription;

    public ProviderSchemes(ISignInProviders providers, ISecurityFeed feed, OidcOptions oidc, GitHubOptions gitHub, ILoggerFactory loggers)
    {
        (this.providers, this.feed, this.oidc, this.gitHub, this.loggers) = (providers, feed, oidc, gitHub, loggers);
        subscription = feed.Subscribe(Forget);
    }

    /// <summary>Null when there is no such provider, or it is disabled.</summary>
    public async ValueTask<ProviderScheme?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (known.TryGetValue(id, out var scheme))
        {
            return scheme;
        }

        // a change that arrives while the table is being read must not be overtaken by what was read before it
        var revision = feed.Revision;
        if (await providers.Find(id, cancellationToken) is not { } provider)
        {
            return null;
        }

        scheme = known[id] = Make(provider);
        if (feed.Revision != revision)
        {
            known.TryRemove(new(id, scheme));
        }

        return scheme;
    }

    /// <summary>For a draft: used once, kept nowhere.</summary>
    public ProviderScheme Make(AuthProvider provider) => new(provider, provider.Kind is AuthProviderKind.GitHub ? gitHub.Build(provider) : oidc.Build(provider));

    /// <summary>The handler for one request.</summary>
    public async Task<IAuthenticationRequestHandler> HandlerAsync(ProviderScheme scheme, HttpContext context)
    {
        IAuthenticationRequestHandler handler = scheme.Options switch
        {
            OpenIdConnectOptions options => new OpenIdConnectHandler(new Fixed<OpenIdConnectOptions>(options), loggers, HtmlEncoder.Default, UrlEncoder.Default),
            OAuthOptions options => new OAuthHandler<OAuthOptions>(new Fixed<OAuthOptions>(options), loggers, UrlEncoder.Default),
            _ => throw new InvalidOperationException($"No handler for {scheme.Options.GetType()}."),
        };
        await handler.InitializeAsync(new AuthenticationScheme(scheme.Provider.Id, scheme.Provider.Name, handler.GetType()), context);
        return handler;
    }

    public void Dispose() => subscription.Dispose();

    private void Forget(SecurityChange change)
    {
        if (change.Kind is SecurityChangeKinds.AuthProvider)
        {
            known.TryRemove(change.Subject, out _);
        }
        else if (change.Kind is SecurityChangeKinds.Everything)
        {
            known.Clear();
        }
    }

    private sealed class Fixed<T>(T options) : IOptionsMonitor<T>
    {
        public T CurrentValue => options;

        public T Get(string? name) => options;

        public IDisposable? OnChange(Action<T, string?> listener) => null;
    }
}
