using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Chat.IdentityProviders;

/// <summary>
/// What travels through the provider as <c>state</c>: sealed for this cluster, bound to the browser by a correlation cookie of the handler
/// (login CSRF: a callback that somebody else began has no such cookie).
/// </summary>
internal sealed class SignInState(IDataProtectionProvider protection, SessionCookies cookies)
{
    private const string Test = "obot-test";
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);

    public PropertiesDataFormat Format { get; } = new(protection.CreateProtector("obot-sign-in-state"));

    public static AuthenticationProperties New(string returnUrl, string? testId)
    {
        var properties = new AuthenticationProperties { RedirectUri = returnUrl };
        if (testId is not null)
        {
            properties.Items[Test] = testId;
        }

        return properties;
    }

    public static string? TestOf(AuthenticationProperties? properties) => properties?.Items.TryGetValue(Test, out var id) is true ? id : null;

    /// <summary>Null when it is not ours, or too old.</summary>
    public AuthenticationProperties? Open(StringValues state) => state is [{ Length: > 0 and < 8192 } text] ? Format.Unprotect(text) : null;

    /// <summary>What both handlers have in common.</summary>
    public void Apply(RemoteAuthenticationOptions options, AuthProvider provider)
    {
        options.CallbackPath = CallbackPath(provider.Id);
        options.SignInScheme = Obot.Grains.Abstractions.Identity.SessionPrincipal.Scheme;
        options.SaveTokens = false;
        options.BackchannelTimeout = TimeSpan.FromSeconds(10);
        options.RemoteAuthenticationTimeout = Lifetime;
        options.CorrelationCookie.Name = $"obot-correlation-{cookies.ClusterId}.";
        Apply(options.CorrelationCookie, provider);
    }

    /// <summary>A form that the provider's page sends to us brings cookies only where they are declared for other sites.</summary>
    public void Apply(CookieBuilder cookie, AuthProvider provider)
    {
        cookie.HttpOnly = true;
        cookie.IsEssential = true;
        cookie.SecurePolicy = cookies.Secure;
        cookie.SameSite = provider.Settings.ResponseMode == "form_post" ? SameSiteMode.None : SameSiteMode.Lax;
    }

    public static string CallbackPath(string providerId) => $"/signin/{providerId}/callback";
}
