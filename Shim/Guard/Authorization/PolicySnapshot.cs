using System.Collections.Frozen;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Guard.Authorization;

/// <summary>Who may call, compiled; replaced whole when the cluster pushes a newer one. Deny by default.</summary>
internal sealed class PolicySnapshot(GuardPolicy policy)
{
    private volatile Compiled current = new(policy);

    public long Revision => current.Revision;

    public bool Allows(Caller caller) => current.Owners.Contains(caller.UserId);

    /// <summary>Two silos may push in any order: an older revision never replaces a newer one.</summary>
    public void Replace(GuardPolicy next)
    {
        if (next.Revision >= current.Revision)
        {
            current = new(next);
        }
    }

    private sealed class Compiled(GuardPolicy policy)
    {
        public long Revision { get; } = policy.Revision;

        public FrozenSet<string> Owners { get; } = policy.Owners.ToFrozenSet(StringComparer.Ordinal);
    }
}
