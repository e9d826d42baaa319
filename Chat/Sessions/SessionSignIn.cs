using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Sessions;

namespace Obot.Chat.Sessions;

/// <summary>Opens sessions. Whatever session the browser came with is ended first, so that nobody can plant one before a sign-in.</summary>
internal sealed class SessionSignIn(
    IAuthenticationSchemeProvider schemes,
    IUserSessions sessions,
    IOptionsMonitor<CookieAuthenticationOptions> cookies,
    IOptions<SessionOptions> options,
    ILoggerFactory loggers,
    TimeProvider time)
{
    /// <param name="principal">Who signed in.</param>
    /// <param name="providerId">As in <see cref="UserSession.ProviderId"/>.</param>
    public async Task OpenAsync(HttpContext context, Principal principal, string providerId)
    {
        var before = await context.AuthenticateAsync(SessionPrincipal.Scheme);
        if (SessionPrincipal.Of(before.Principal) is { } earlier)
        {
            await sessions.End(earlier.CredentialId, context.RequestAborted);
        }

        // the request's own handler remembers the old key and would give it to the new user: a new one that sees no cookie cannot
        context.Features.Set<IRequestCookiesFeature>(new RequestCookiesFeature(NoCookies()));
        var scheme = await schemes.GetSchemeAsync(SessionPrincipal.Scheme) ?? throw new InvalidOperationException("AddSessions was not called.");
        var handler = new CookieAuthenticationHandler(cookies, loggers, UrlEncoder.Default);
        await handler.InitializeAsync(scheme, context);
        var (claims, properties) = SessionTickets.For(principal, providerId, time.GetUtcNow() + options.Value.AbsoluteTimeout);
        await handler.SignInAsync(claims, properties);
    }

    private static FeatureCollection NoCookies()
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature());
        return features;
    }
}
