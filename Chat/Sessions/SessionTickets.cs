using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Sessions;

namespace Obot.Chat.Sessions;

/// <summary>The cookie holds the session's key and nothing else; what the key stands for is asked of the session's grain.</summary>
internal sealed class SessionTickets(IUserSessions sessions, LiveSessions live) : ITicketStore
{
    private const string Provider = "obot-provider";
    private const string Key = "obot-key";

    /// <summary>What the cookie handler hands to <see cref="StoreAsync(AuthenticationTicket, HttpContext, CancellationToken)"/>.</summary>
    /// <param name="principal">Who signed in; its credential is the API key, if it was one.</param>
    /// <param name="providerId">As in <see cref="UserSession.ProviderId"/>.</param>
    /// <param name="endsAt">Absolute expiry, of the cookie too.</param>
    public static (ClaimsPrincipal Claims, AuthenticationProperties Properties) For(Principal principal, string providerId, DateTimeOffset endsAt)
    {
        var properties = new AuthenticationProperties { IsPersistent = true, ExpiresUtc = endsAt, AllowRefresh = false };
        properties.Items[Provider] = providerId;
        if (providerId == SessionProviders.ApiKey)
        {
            properties.Items[Key] = principal.CredentialId;
        }

        return (SessionPrincipal.ToClaims(principal), properties);
    }

    public async Task<string> StoreAsync(AuthenticationTicket ticket, HttpContext httpContext, CancellationToken cancellationToken)
    {
        var principal = SessionPrincipal.Of(ticket.Principal) ?? throw new InvalidOperationException("Sessions are opened by SessionSignIn.");
        var items = ticket.Properties.Items;
        return await sessions.Start(
            new(
                principal.UserId,
                items[Provider] ?? "",
                principal.Scopes,
                principal.ServerIds,
                items.TryGetValue(Key, out var key) ? key : null,
                httpContext.Request.Headers.UserAgent.ToString(),
                httpContext.Connection.RemoteIpAddress?.ToString() ?? ""),
            cancellationToken);
    }

    public async Task<AuthenticationTicket?> RetrieveAsync(string key, CancellationToken cancellationToken) =>
        await live.FindAsync(SessionKey.IdOf(key), cancellationToken) is { } found
            ? new(found.Claims, new AuthenticationProperties { IssuedUtc = found.Session.CreatedAt, ExpiresUtc = found.Session.EndsAt }, SessionPrincipal.Scheme)
            : null;

    public Task RemoveAsync(string key, CancellationToken cancellationToken) => sessions.End(SessionKey.IdOf(key), cancellationToken);

    public Task<AuthenticationTicket?> RetrieveAsync(string key) => RetrieveAsync(key, CancellationToken.None);

    public Task RemoveAsync(string key) => RemoveAsync(key, CancellationToken.None);

    /// <summary>Sliding is the grain's business, and a key never gets another user.</summary>
    public Task RenewAsync(string key, AuthenticationTicket ticket) => throw new NotSupportedException("Sessions are not renewed; a sign-in opens a new one.");

    public Task<string> StoreAsync(AuthenticationTicket ticket) => throw new NotSupportedException("Sessions are opened within a request.");
}

/// <summary>How sessions begin where no identity provider is involved.</summary>
internal static class SessionProviders
{
    public const string Bootstrap = "bootstrap";
    public const string Link = "link";
    public const string ApiKey = "api-key";
    public const string Local = "local";
}
