using Microsoft.Extensions.Options;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace Obot.Grains.Hosting;

/// <summary>
/// The control listeners that a guard may dial. Silos tell each other theirs when they join the cluster, so that one without role <c>gateway</c>
/// knows where its guards find one, and a guard that outlives the silo that started it finds another.
/// </summary>
internal sealed class ControlAddresses(SiloHosts silos, ISiloMetadataCache cards, IOptions<GuardOptions> options)
{
    /// <summary>For guards that are processes of this silo and end with it: its own listener, or those it is configured with; else those of all gateway silos.</summary>
    /// <exception cref="ServerStartException">No silo offers one.</exception>
    public IReadOnlyList<string> ForProcesses =>
        Some(options.Value.ControlUrls is { Count: > 0 } own ? own : [.. Others(ControlListenerCard.ControlUrl)], "Obot:Guard:ControlUrl");

    /// <summary>As containers reach them: this silo's first.</summary>
    /// <exception cref="ServerStartException">No silo offers one.</exception>
    public IReadOnlyList<string> ForContainers =>
        Some([.. options.Value.ContainerControlUrls.Concat(Others(ControlListenerCard.ContainerControlUrl)).Distinct(StringComparer.Ordinal)], "Obot:Guard:ContainerControlUrl");

    private IEnumerable<string> Others(string name) => silos.Active.Where(host => !silos.IsOwn(host))
        .SelectMany(host => cards.GetSiloMetadata(SiloAddress.FromParsableString(host)).Metadata.TryGetValue(name, out var urls) ? GuardOptions.Split(urls) : []);

    private static IReadOnlyList<string> Some(IReadOnlyList<string> urls, string setting) => urls.Count > 0
        ? urls
        : throw new ServerStartException($"no silo with role gateway offers a control listener that the guard can reach: start one, or set {setting} (docs/hosting.md)");
}

/// <summary>What a silo with role <c>gateway</c> tells the others when it joins.</summary>
public static class ControlListenerCard
{
    internal const string ControlUrl = "obot.control";
    internal const string ContainerControlUrl = "obot.control.containers";

    /// <param name="controlUrl">Its control listener, or several separated by commas.</param>
    /// <param name="containerControlUrl">The same as containers reach it.</param>
    public static Dictionary<string, string> Of(string controlUrl, string containerControlUrl) =>
        new(StringComparer.Ordinal) { [ControlUrl] = controlUrl, [ContainerControlUrl] = containerControlUrl };
}
