using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.LocalAccounts;

/// <summary>Port: users with a password of ours, for installations without an identity provider.</summary>
public interface ILocalAccounts
{
    /// <summary><c>Obot:Auth:LocalAccounts</c>.</summary>
    bool IsEnabled { get; }

    /// <summary>Needs role <see cref="Role.Admin"/>; the new user's role is at most the caller's.</summary>
    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    /// <exception cref="ConflictException">The user name is taken, or local accounts are switched off.</exception>
    Task<CreatedLocalAccount> Create(Principal caller, NewLocalAccount request, CancellationToken cancellationToken);

    /// <summary>By user name, at most 500. Needs role <see cref="Role.Admin"/>.</summary>
    Task<IReadOnlyList<LocalAccountView>> List(Principal caller, CancellationToken cancellationToken);

    /// <summary>A new set-password code, good once within a day. Null when the user has no local account.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator, or the user stands above the caller.</exception>
    Task<string?> IssuePasswordCode(Principal caller, string userId, CancellationToken cancellationToken);

    /// <summary>The user name that a set-password code is for; null when it is not good.</summary>
    Task<string?> Peek(string code, CancellationToken cancellationToken);

    /// <summary>Spends a set-password code; ends all sessions and every lock of the account. Null when the code is not good.</summary>
    /// <exception cref="InvalidInputException">The password is refused; the code stays good.</exception>
    Task<UserStanding?> SetPassword(string code, string password, CancellationToken cancellationToken);

    /// <summary>Changes the caller's own password and ends the caller's sessions.</summary>
    /// <exception cref="InvalidInputException">The present password is wrong, or the new one is refused.</exception>
    Task<UserStanding?> ChangePassword(Principal caller, string current, string next, CancellationToken cancellationToken);

    /// <param name="device">What <see cref="LocalSignIn.Device"/> said in this browser before; null for an unknown browser.</param>
    /// <param name="clientIp">Attempts are also counted by address.</param>
    Task<LocalSignIn> SignIn(string userName, string password, string? device, string clientIp, CancellationToken cancellationToken);

    /// <summary>Whether the user has a password here.</summary>
    Task<bool> Has(string userId, CancellationToken cancellationToken);

    /// <summary>Counts an attempt with some other secret by address; positive when it has to wait.</summary>
    Task<TimeSpan> CountAttempt(string clientIp, CancellationToken cancellationToken);

    /// <summary>The attempt that was counted last was a good one.</summary>
    Task ForgiveAttempt(string clientIp, CancellationToken cancellationToken);
}

/// <summary>An account to be made.</summary>
public sealed record NewLocalAccount
{
    /// <summary>3 to 64 of a–z, 0–9 and <c>. _ - @</c>; case does not matter.</summary>
    public string UserName { get; init; } = "";

    /// <summary>1 to 100 characters; the user name when left out.</summary>
    public string? Name { get; init; }

    /// <summary>Role by its name in the API; the default role when left out.</summary>
    public string? Role { get; init; }
}

/// <param name="Code">For the set-password link: good once, within a day.</param>
public sealed record CreatedLocalAccount(string UserId, string UserName, string Name, Role Role, string Code);

public sealed record LocalAccountView(string UserId, string UserName, string Name, Role Role, bool HasPassword, DateTimeOffset ChangedAt, int Failures);

/// <param name="User">Null when refused.</param>
/// <param name="Device">Id that marks the browser as known to the account; present when signed in.</param>
/// <param name="Wait">How long nobody is heard; zero when the name or password was wrong.</param>
public sealed record LocalSignIn(UserStanding? User, string? Device, TimeSpan Wait);
