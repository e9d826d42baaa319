using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Filters;

namespace Obot.Shim.Guard.Authorization;

/// <summary>Who may call, compiled; replaced whole when the cluster pushes a newer one. Deny by default.</summary>
internal sealed class PolicySnapshot(GuardPolicy policy, FilterFactory? factory = null)
{
    private readonly Lock changing = new();
    private readonly FilterFactory factory = factory ?? FilterFactory.Alone;
    private volatile FilterSet filters = FilterSet.Compile(policy.Filters, factory ?? FilterFactory.Alone);
    private volatile CompiledPolicy current = new(policy);
    private long revision = policy.Revision;

    /// <summary>The security state that is applied here.</summary>
    public long Revision => Volatile.Read(ref revision);

    /// <summary>The same object for as long as no filter changed.</summary>
    public FilterSet Filters => filters;

    /// <summary>Called after a change, by whoever brought it.</summary>
    public Action? Changed { get; set; }

    /// <summary>Decided once per caller and policy: a warm call compares two references.</summary>
    public Permission Of(Caller caller)
    {
        var now = current;
        return caller.Decided is { } decided && ReferenceEquals(decided.Policy, now)
            ? decided.Permission
            : (caller.Decided = new(now, now.Of(caller.UserId, caller.Groups))).Permission;
    }

    /// <summary>Two silos may push in any order: an older revision never replaces a newer one.</summary>
    public void Replace(GuardPolicy next)
    {
        lock (changing)
        {
            if (next.Revision < revision)
            {
                return;
            }

            filters = filters.SameAs(next.Filters) ? filters : FilterSet.Compile(next.Filters, factory);
            current = new(next);
            Volatile.Write(ref revision, next.Revision);
        }

        Changed?.Invoke();
    }

    /// <summary>The policy in force is that of this revision too.</summary>
    public void Confirm(long next)
    {
        lock (changing)
        {
            Volatile.Write(ref revision, Math.Max(revision, next));
        }
    }
}

/// <summary>What a policy says of a caller.</summary>
internal sealed record Decision(CompiledPolicy Policy, Permission Permission);
