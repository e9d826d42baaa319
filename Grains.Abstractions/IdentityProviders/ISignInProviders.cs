using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.IdentityProviders;

/// <summary>Port: identity providers as the sign-in page uses them.</summary>
public interface ISignInProviders
{
    /// <summary>The enabled ones, in the order of their buttons.</summary>
    Task<IReadOnlyList<SignInChoice>> List(CancellationToken cancellationToken);

    /// <summary>Null when there is none, or it is disabled.</summary>
    Task<AuthProvider?> Find(string id, CancellationToken cancellationToken);

    /// <summary>The draft of a test sign-in and who started it; null when it is over.</summary>
    Task<(AuthProvider Draft, string UserId)?> FindTest(string testId, CancellationToken cancellationToken);

    /// <summary>Keeps what a test sign-in found, for the page that shows it.</summary>
    Task SaveTest(string testId, SignInTrial trial, CancellationToken cancellationToken);

    /// <summary>What a test sign-in found; null when there is nothing, or it is another user's.</summary>
    Task<SignInTrial?> FindTrial(Principal caller, string testId, CancellationToken cancellationToken);
}

/// <summary>What an identity provider says about somebody.</summary>
/// <param name="Subject">Stable there; at most 255 characters.</param>
/// <param name="Email">Null when the provider sent none.</param>
/// <param name="EmailVerified">Whether the provider vouches for it, or configuration trusts it.</param>
/// <param name="Groups">Names or ids, as the provider has them.</param>
public sealed record ExternalIdentity(string Subject, string Name, string? Email, bool EmailVerified, IReadOnlyList<string> Groups);

/// <summary>Port: turns what an identity provider says into a user.</summary>
public interface IExternalSignIn
{
    /// <summary>Makes the user at the first sign-in, refreshes name, address and groups at each.</summary>
    Task<ExternalSignInResult> SignIn(AuthProvider provider, ExternalIdentity identity, CancellationToken cancellationToken);

    /// <summary>The user behind an identity; null when there is none yet, or the user is disabled.</summary>
    Task<UserStanding?> Find(AuthProvider provider, string subject, CancellationToken cancellationToken);

    /// <summary>What <see cref="SignIn"/> would do, without doing it.</summary>
    Task<ExternalVerdict> Judge(AuthProvider provider, ExternalIdentity identity, CancellationToken cancellationToken);
}

/// <param name="User">Null when refused.</param>
/// <param name="Refusal">Null when signed in.</param>
public sealed record ExternalSignInResult(UserStanding? User, SignInRefusal? Refusal);

/// <param name="Refusal">Null for somebody who would be let in.</param>
/// <param name="Role">The role that somebody would have.</param>
/// <param name="IsNew">Whether the user would be made.</param>
public sealed record ExternalVerdict(SignInRefusal? Refusal, Role Role, bool IsNew);

public enum SignInRefusal
{
    /// <summary>Domains are restricted and the provider sent no address.</summary>
    NoEmail,

    /// <summary>Domains are restricted and the address is not verified.</summary>
    EmailNotVerified,

    /// <summary>The address is of none of the allowed domains.</summary>
    DomainNotAllowed,

    /// <summary>An administrator disabled the user.</summary>
    Disabled,
}

/// <summary>What a test sign-in found.</summary>
/// <param name="Claims">JSON of all claims, for reading.</param>
/// <param name="Error">Why it did not come so far; null when it did.</param>
[GenerateSerializer, Immutable, Alias("Obot.SignInTrial")]
public sealed record SignInTrial(
    [property: Id(0)] string ProviderName,
    [property: Id(1)] string Claims,
    [property: Id(2)] string Name,
    [property: Id(3)] string? Email,
    [property: Id(4)] string EmailVerdict,
    [property: Id(5)] IReadOnlyList<string> Groups,
    [property: Id(6)] string Outcome,
    [property: Id(7)] string? Error);
