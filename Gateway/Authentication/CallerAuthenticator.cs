using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Authentication;

/// <inheritdoc cref="ICallerAuthenticator"/>
internal sealed class CallerAuthenticator(VerdictCache verdicts) : ICallerAuthenticator
{
    public async ValueTask<Principal?> AuthenticateAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (Bearer.Read(context.Request) is { } credential)
        {
            return (await verdicts.FindAsync(credential, cancellationToken))?.Principal;
        }

        return context.Request.Headers.Cookie.Count > 0 ? SessionPrincipal.Of((await context.AuthenticateAsync(SessionPrincipal.Scheme)).Principal) : null;
    }
}
