using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary>Who may look at and manage other users.</summary>
internal static class Administrators
{
    /// <exception cref="NotAllowedException">The caller is none, or holds a credential that is bound to some servers.</exception>
    public static void Check(Principal caller)
    {
        Check(caller.Role);
        if (caller.ServerIds is not null)
        {
            throw new NotAllowedException("This API key reaches only the servers it names; managing users and groups needs a key without 'mcpServerIDs'.");
        }
    }

    /// <inheritdoc cref="Check(Principal)"/>
    public static void Check(Role role)
    {
        if (role < Role.Admin)
        {
            throw new NotAllowedException($"Managing users and groups needs role 'admin' or 'owner'; yours is '{role.Text()}'. Ask an administrator.");
        }
    }
}
