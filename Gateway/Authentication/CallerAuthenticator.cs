using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Authentication;

/// <inheritdoc cref="ICallerAuthenticator"/>
internal sealed class CallerAuthenticator(VerdictCache verdicts, IPartTickets tickets, IUserDirectory users) : ICallerAuthenticator
{
    public async ValueTask<Principal?> AuthenticateAsync(HttpContext context, CancellationToken cancellationToken) =>
        (await FindAsync(context, cancellationToken))?.Principal;

    /// <summary>A bearer token, else the browser's session, which the host's cookie scheme validates on every request.</summary>
    public async ValueTask<Verdict?> FindAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (Bearer.Read(context.Request) is { } credential)
        {
            return await FindAsync(credential, cancellationToken);
        }

        return context.Request.Headers.Cookie.Count > 0 && SessionPrincipal.Of((await context.AuthenticateAsync(SessionPrincipal.Scheme)).Principal) is { } principal
            ? verdicts.OfSession(principal)
            : null;
    }

    /// <summary>A key, a token, or a ticket of a part of the platform.</summary>
    public ValueTask<Verdict?> FindAsync(string credential, CancellationToken cancellationToken) =>
        tickets.Read(credential) is { } ticket ? OfTicketAsync(ticket, cancellationToken) : verdicts.FindAsync(credential, cancellationToken);

    /// <summary>A part of the platform calls for a user, who is asked for each time: it may do what the user may do now.</summary>
    private async ValueTask<Verdict?> OfTicketAsync(PartTicket ticket, CancellationToken cancellationToken) =>
        await users.Find(ticket.UserId, cancellationToken) is { } user ? verdicts.OfPart(user.As(ticket.CredentialId, [ticket.Scope])) : null;
}
