namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: what administrators decide about sign-in while the platform runs; kept in table <c>settings</c>.</summary>
public interface IAuthSettings
{
    /// <summary>Highest role that every new user may get: more is given to people, one by one.</summary>
    static Role MaxDefaultRole => Role.PowerPlus;

    /// <summary>The role of users at their first sign-in. <see cref="Role.Basic"/> until somebody sets another one.</summary>
    Task<Role> DefaultRole(CancellationToken cancellationToken);

    /// <summary>For those who sign in for the first time from now on; needs role <see cref="Role.Admin"/>.</summary>
    /// <exception cref="InvalidInputException">Above <see cref="MaxDefaultRole"/>.</exception>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task SetDefaultRole(Principal caller, Role role, CancellationToken cancellationToken);
}
