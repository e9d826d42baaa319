using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Policies;

/// <summary>
/// Port: the rules as guards need them, from memory. All rules are read once per silo and change; what touches one server is picked
/// from them. Nothing here decides about a call: that is the guard's business.
/// </summary>
public interface IServerAccess
{
    /// <summary>
    /// What touches a server, as of the last change that this silo has heard of, or later. The same object while nothing of it changed.
    /// </summary>
    ValueTask<AccessPolicy> Of(ServerEntry server, CancellationToken cancellationToken);

    /// <summary>Whether some rule names the group; true for all groups while the rules were not read since the last change.</summary>
    bool IsNamed(string groupId);
}

/// <summary>Everything that decides who may call one server.</summary>
/// <param name="OwnerId">Who made it, and may call it without a rule.</param>
/// <param name="Grants">Rules that touch the server; those with the same tools are one.</param>
public sealed record AccessPolicy(string OwnerId, IReadOnlyList<AccessGrant> Grants)
{
    /// <summary>
    /// Whether anything at all may be open to somebody. For whoever asks before a server is woken; whether a call is allowed is decided by its guard.
    /// </summary>
    public bool MayConcern(Principal caller) => caller.UserId == OwnerId
        || Grants.Any(grant => grant.Everyone || grant.Users.Contains(caller.UserId, StringComparer.Ordinal) || grant.Groups.Intersect(caller.Groups, StringComparer.Ordinal).Any());

    /// <summary>The same server for the same people: nobody has to be told.</summary>
    public bool SameAs(AccessPolicy other) =>
        ReferenceEquals(this, other) || (OwnerId == other.OwnerId && Grants.Count == other.Grants.Count && Grants.Zip(other.Grants).All(pair => pair.First.SameAs(pair.Second)));
}

/// <param name="Everyone">Every user of the platform.</param>
/// <param name="Users">Ids, sorted.</param>
/// <param name="Groups">Ids, sorted.</param>
/// <param name="Tools">Names and globs, sorted; null for no restriction.</param>
public sealed record AccessGrant(bool Everyone, IReadOnlyList<string> Users, IReadOnlyList<string> Groups, IReadOnlyList<string>? Tools)
{
    internal bool SameAs(AccessGrant other) =>
        Everyone == other.Everyone && Same(Users, other.Users) && Same(Groups, other.Groups) && (Tools, other.Tools) switch
        {
            (null, null) => true,
            ({ } these, { } those) => Same(these, those),
            _ => false,
        };

    private static bool Same(IReadOnlyList<string> these, IReadOnlyList<string> those) => these.SequenceEqual(those, StringComparer.Ordinal);
}
