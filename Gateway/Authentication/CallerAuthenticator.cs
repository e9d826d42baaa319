using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Authentication;

/// <inheritdoc cref="ICallerAuthenticator"/>
internal sealed class CallerAuthenticator(VerdictCache verdicts) : ICallerAuthenticator
{
    public async ValueTask<Principal?> AuthenticateAsync(HttpContext context, CancellationToken cancellationToken) =>
        (await FindAsync(context, cancellationToken))?.Principal;

    /// <summary>A bearer token, else the browser's session, which the host's cookie scheme validates on every request.</summary>
    public async ValueTask<Verdict?> FindAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (Bearer.Read(context.Request) is { } credential)
        {
            return await verdicts.FindAsync(credential, cancellationToken);
        }

        return context.Request.Headers.Cookie.Count > 0 && SessionPrincipal.Of((await context.AuthenticateAsync(SessionPrincipal.Scheme)).Principal) is { } principal
            ? verdicts.OfSession(principal)
            : null;
    }
}
