namespace Obot.Grains.Hosting;

/// <summary>Silos as places where something runs. A silo that the cluster declared dead never comes back under the same address: a new start has a new epoch.</summary>
internal sealed class SiloHosts(ILocalSiloDetails silo, IClusterMembershipService membership)
{
    public string Own => silo.SiloAddress.ToParsableString();

    /// <summary>This silo and those that the membership table calls active.</summary>
    public IReadOnlyList<string> Active =>
    [
        Own,
        .. membership.CurrentSnapshot.Members.Values.Where(member => member.Status is SiloStatus.Active && !member.SiloAddress.Equals(silo.SiloAddress))
            .Select(member => member.SiloAddress.ToParsableString()),
    ];

    public bool IsOwn(string host) => host == Own;

    public bool MayLive(string host) => IsOwn(host) || membership.CurrentSnapshot.GetSiloStatus(SiloAddress.FromParsableString(host)) is not (SiloStatus.Dead or SiloStatus.None);
}
