using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.IdentityProviders;

/// <summary>
/// Port: identity providers as administrators manage them. Needs role <see cref="Role.Admin"/>. A change is in force on every silo within
/// a second. Those that configuration names (<c>Obot:Auth:Providers</c>) are listed and cannot be changed here.
/// </summary>
public interface IAuthProviders
{
    /// <summary>Those of configuration first, then by id.</summary>
    Task<IReadOnlyList<AuthProviderView>> List(Principal caller, CancellationToken cancellationToken);

    Task<AuthProviderView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    /// <exception cref="ConflictException">The id is taken.</exception>
    Task<AuthProviderView> Create(Principal caller, AuthProviderDraft draft, CancellationToken cancellationToken);

    /// <summary>Replaces everything; a secret that is left out stays. Null when there is none.</summary>
    /// <exception cref="ConflictException">Configuration owns it, or someone else changed it in between.</exception>
    Task<AuthProviderView?> Update(Principal caller, string id, AuthProviderDraft draft, CancellationToken cancellationToken);

    /// <summary>People who came through it keep their users, but cannot sign in by it any more. False when there is none.</summary>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Looks whether a provider, saved or not, can work, and opens the way for a sign-in that signs nobody in.</summary>
    /// <param name="draft">What to try; a secret that is left out is the saved one's.</param>
    Task<AuthProviderTest> Test(Principal caller, AuthProviderDraft draft, CancellationToken cancellationToken);
}

/// <summary>A provider as someone wants it.</summary>
public sealed record AuthProviderDraft
{
    public string Id { get; init; } = "";

    /// <summary>On the button of the sign-in page; the preset's name when left out.</summary>
    public string? Name { get; init; }
    public bool Enabled { get; init; } = true;
    public AuthProviderSettings Settings { get; init; } = new();

    /// <summary>Null keeps the one that is there.</summary>
    public string? ClientSecret { get; init; }
}

/// <summary>A provider as administrators see it.</summary>
public sealed record AuthProviderView
{
    public required string Id { get; init; }
    public required AuthProviderKind Kind { get; init; }
    public required string Name { get; init; }
    public required bool Enabled { get; init; }
    public required AuthProviderSettings Settings { get; init; }
    public required bool HasSecret { get; init; }

    /// <summary>Configuration names it: it cannot be changed here.</summary>
    public required bool FromConfiguration { get; init; }

    /// <summary>To be registered at the provider.</summary>
    public required string RedirectUri { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>The last time that anybody signed in by it.</summary>
    public DateTimeOffset? LastSignInAt { get; init; }
}

/// <param name="Findings">In the order in which they were looked at; the first that fails may hide later ones.</param>
/// <param name="SignInUrl">Within fifteen minutes and for the caller only: a sign-in with the draft that shows what would happen.</param>
public sealed record AuthProviderTest(IReadOnlyList<AuthProviderFinding> Findings, string SignInUrl)
{
    public bool Passed => Findings.All(finding => finding.Outcome is not FindingOutcome.Failed);
}

/// <param name="Check">What was looked at, in a few words.</param>
/// <param name="Detail">What was found, and what to do about it.</param>
public sealed record AuthProviderFinding(string Check, FindingOutcome Outcome, string Detail);

public enum FindingOutcome
{
    Passed,
    Warning,
    Failed,
}
