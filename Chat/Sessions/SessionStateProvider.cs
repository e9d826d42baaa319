using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Sessions;

/// <summary>
/// Closes an open page within about a second after its session ended, or after its user became somebody else: it goes to the sign-in page,
/// which sends those who still have a session back, with the standing that they have now.
/// </summary>
internal sealed class SessionStateProvider(LiveSessions sessions, ILoggerFactory loggers) : RevalidatingServerAuthenticationStateProvider(loggers)
{
    protected override TimeSpan RevalidationInterval => TimeSpan.FromSeconds(1);

    protected override async Task<bool> ValidateAuthenticationStateAsync(AuthenticationState authenticationState, CancellationToken cancellationToken)
    {
        if (SessionPrincipal.Of(authenticationState.User) is not { } shown)
        {
            return false;
        }

        try
        {
            return await sessions.FindAsync(shown.CredentialId, cancellationToken) is { Principal: var now } && IsSame(shown, now);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // a database that does not answer is no reason to throw people out, as long as news may not be missing
            return !sessions.IsStale;
        }
    }

    private static bool IsSame(Principal shown, Principal now) =>
        shown.Role == now.Role && shown.Auditor == now.Auditor && shown.Groups.ToHashSet(StringComparer.Ordinal).SetEquals(now.Groups);
}
