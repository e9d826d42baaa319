using System.Collections.Immutable;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Tokens;

/// <summary>Answers to OpenIddict: a grant for a user, or a refusal by the protocol's error codes.</summary>
internal static class Grants
{
    private const string Scheme = OpenIddictServerAspNetCoreDefaults.AuthenticationScheme;

    /// <summary>Scopes that go with any resource.</summary>
    private static readonly string[] General = [OpenIddictConstants.Scopes.OpenId, OpenIddictConstants.Scopes.Profile, OpenIddictConstants.Scopes.OfflineAccess];

    /// <summary>A token carries who and for what; role and groups are read where it is presented, so they are never old.</summary>
    public static IResult SignIn(UserStanding user, Resource resource, IEnumerable<string> scopes, ClaimsPrincipal? basis = null)
    {
        var identity = new ClaimsIdentity(basis?.Claims, authenticationType: "obot", Claims.Name, Claims.Role);
        identity.SetClaim(Claims.Subject, user.UserId).SetClaim(Claims.Name, user.Name);
        identity.SetScopes(scopes).SetResources(resource.Uri);
        identity.SetDestinations(static claim => claim.Type switch
        {
            Claims.Name => [Destinations.IdentityToken],
            _ => [Destinations.AccessToken, Destinations.IdentityToken],
        });
        return Results.SignIn(new ClaimsPrincipal(identity), authenticationScheme: Scheme);
    }

    public static IResult Refuse(string error, string description) => Results.Forbid(
        new AuthenticationProperties(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [OpenIddictServerAspNetCoreConstants.Properties.Error] = error,
            [OpenIddictServerAspNetCoreConstants.Properties.ErrorDescription] = description,
        }),
        [Scheme]);

    /// <summary>What is granted of what was asked: the resource's own scope always, and of ours no other.</summary>
    public static ImmutableArray<string> ScopesFor(Resource resource, IEnumerable<string> asked, bool refreshable) =>
    [
        resource.Scope,
        .. General.Where(scope => scope == OpenIddictConstants.Scopes.OfflineAccess ? refreshable : asked.Contains(scope, StringComparer.Ordinal)),
    ];
}
