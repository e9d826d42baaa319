using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Filters.Detectors;

namespace Obot.Shim.Guard.Filters;

/// <summary>Makes filters of their configurations. What cannot be made blocks what it would have looked at.</summary>
/// <param name="cluster">How filter servers are reached; null where there is no cluster.</param>
internal sealed class FilterFactory(ClusterHttp? cluster = null)
{
    public static readonly FilterFactory Alone = new();

    public IMessageFilter Create(GuardFilter config) => config.Kind switch
    {
        GuardFilterKinds.Webhook when Uri.TryCreate(config.Url, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" => new WebhookFilter(url, config.Secret),
        GuardFilterKinds.Server when cluster is not null => new ServerFilter(config.Id, cluster),
        GuardFilterKinds.Secrets => new Detector(SecretRules.All, scansIdentifiers: true),
        GuardFilterKinds.PersonalData => new Detector(PersonalDataRules.All, scansIdentifiers: false),
        GuardFilterKinds.PromptInjection => new Detector(InjectionRules.All, scansIdentifiers: false),
        GuardFilterKinds.Unreadable => new BrokenFilter("its configuration cannot be read; an administrator has to set it again"),
        _ => new BrokenFilter($"this guard cannot run a filter of kind '{config.Kind}'"),
    };

    private sealed class BrokenFilter(string reason) : IMessageFilter
    {
        public ValueTask<FilterVerdict> JudgeAsync(FilterSubject subject, ReadOnlyMemory<byte> message, bool mayMutate, CancellationToken cancellationToken) => throw new FilterFault(reason);
    }
}
