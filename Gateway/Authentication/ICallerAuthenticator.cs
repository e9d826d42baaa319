using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Authentication;

/// <summary>Who makes a request: a bearer token (API key, bootstrap token) or a session cookie, from the verdict cache on the warm path.</summary>
public interface ICallerAuthenticator
{
    /// <summary>Null when the request carries no credential, or one that is not good. Never writes to the response.</summary>
    ValueTask<Principal?> AuthenticateAsync(HttpContext context, CancellationToken cancellationToken);
}
