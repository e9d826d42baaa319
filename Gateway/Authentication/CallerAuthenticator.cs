using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Authentication;

/// <inheritdoc cref="ICallerAuthenticator"/>
internal sealed class CallerAuthenticator(VerdictCache verdicts) : ICallerAuthenticator
{
    public async ValueTask<Principal?> AuthenticateAsync(HttpContext context, CancellationToken cancellationToken) =>
        Bearer.Read(context.Request) is { } credential ? (await verdicts.FindAsync(credential, cancellationToken))?.Principal : null;
}
