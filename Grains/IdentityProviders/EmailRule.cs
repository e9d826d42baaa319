using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Grains.IdentityProviders;

/// <summary>Whom the restriction by domain lets in.</summary>
internal static class EmailRule
{
    /// <summary>Null for somebody who is let in.</summary>
    public static SignInRefusal? Refusal(AuthProviderSettings settings, ExternalIdentity identity)
    {
        if (settings.AllowedEmailDomains is not { Count: > 0 } domains)
        {
            return null;
        }

        if (identity.Email is not { } email)
        {
            return SignInRefusal.NoEmail;
        }

        // the last @: everything before it is the local part, whatever it contains
        return !identity.EmailVerified ? SignInRefusal.EmailNotVerified
            : domains.Contains(email[(email.LastIndexOf('@') + 1)..], StringComparer.OrdinalIgnoreCase) ? null
            : SignInRefusal.DomainNotAllowed;
    }
}
