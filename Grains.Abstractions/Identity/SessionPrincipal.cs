using System.Diagnostics.CodeAnalysis;
using System.Security.Claims;

namespace Obot.Grains.Abstractions.Identity;

/// <summary>A <see cref="Principal"/> as the claims of a session's ticket, and back.</summary>
public static class SessionPrincipal
{
    /// <summary>Authentication scheme of the session cookie, for whoever asks the host who sits at the browser.</summary>
    public const string Scheme = "obot-session";

    private const string User = "sub";
    private const string Name = "name";
    private const string RoleType = "role";
    private const string Credential = "cid";
    private const string Scope = "scope";
    private const string Server = "server";
    private const string Restricted = "restricted";
    private const string Group = "group";
    private const string AuditorType = "auditor";

    /// <param name="principal">Who signed in.</param>
    /// <param name="name">What the user is called; the id when left out.</param>
    public static ClaimsPrincipal ToClaims(Principal principal, string? name = null)
    {
        var identity = new ClaimsIdentity(Scheme, Name, RoleType);
        identity.AddClaim(new(Name, name ?? principal.UserId));
        identity.AddClaim(new(User, principal.UserId));
        identity.AddClaim(new(RoleType, principal.Role.ToString()));
        identity.AddClaim(new(Credential, principal.CredentialId));
        identity.AddClaims(principal.Scopes.Select(scope => new Claim(Scope, scope)));
        identity.AddClaims(principal.Groups.Select(group => new Claim(Group, group)));
        if (principal.Auditor)
        {
            identity.AddClaim(new(AuditorType, "true"));
        }

        if (principal.ServerIds is { } servers)
        {
            identity.AddClaim(new(Restricted, "true"));
            identity.AddClaims(servers.Select(server => new Claim(Server, server)));
        }

        return new(identity);
    }

    /// <summary>Null when the claims are not of a session.</summary>
    public static Principal? Of(ClaimsPrincipal? claims)
    {
        if (claims?.Identity?.IsAuthenticated is not true
            || !TryFind(claims, User, out var user)
            || !TryFind(claims, Credential, out var credential)
            || !TryFind(claims, RoleType, out var roleName)
            || !Enum.TryParse<Role>(roleName, out var role))
        {
            return null;
        }

        string[] All(string type) => [.. claims.FindAll(type).Select(claim => claim.Value)];
        return new(user, role, credential, All(Scope), TryFind(claims, Restricted, out _) ? All(Server) : null)
        {
            Groups = All(Group),
            Auditor = TryFind(claims, AuditorType, out _),
        };
    }

    private static bool TryFind(ClaimsPrincipal claims, string type, [NotNullWhen(true)] out string? value) => (value = claims.FindFirst(type)?.Value) is not null;
}
