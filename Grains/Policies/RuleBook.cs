using System.Collections.Concurrent;
using System.Collections.Frozen;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Policies;

/// <summary>All rules of one moment, indexed by what they touch. Immutable but for what it has picked already.</summary>
internal sealed class RuleBook(IReadOnlyList<AccessRuleRow> rules)
{
    private readonly AccessRuleRow[] everywhere = [.. rules.Where(rule => rule.Everything)];
    private readonly FrozenDictionary<string, AccessRuleRow[]> byServer = Index(rules, rule => rule.ServerIds);
    private readonly FrozenDictionary<string, AccessRuleRow[]> byEntry = Index(rules, rule => rule.EntryIds);
    private readonly FrozenDictionary<string, AccessRuleRow[]> byCatalog = Index(rules, rule => rule.CatalogIds);
    private readonly FrozenSet<string> groups = rules.SelectMany(rule => rule.GroupIds).ToFrozenSet(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<ServerEntry, AccessPolicy> picked = new();

    public int Count => rules.Count;

    public bool IsNamed(string groupId) => groups.Contains(groupId);

    /// <summary>Once per server, however many guards ask.</summary>
    public AccessPolicy For(ServerEntry server) => picked.GetOrAdd(server, Pick);

    private AccessPolicy Pick(ServerEntry server) => new(
        server.OwnerId,
        [
            .. everywhere.Concat(Found(byServer, server.ServerId)).Concat(Found(byEntry, server.CatalogEntryId)).Concat(Found(byCatalog, server.CatalogId))
                .Select(rule => (Rule: rule, Tools: rule.Tools is null ? null : Sorted(rule.Tools)))
                .GroupBy(one => one.Tools is null ? null : string.Join('\0', one.Tools), StringComparer.Ordinal)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => new AccessGrant(
                    group.Any(one => one.Rule.Everyone),
                    Sorted(group.SelectMany(one => one.Rule.UserIds)),
                    Sorted(group.SelectMany(one => one.Rule.GroupIds)),
                    group.First().Tools)),
        ]);

    private static AccessRuleRow[] Found(FrozenDictionary<string, AccessRuleRow[]> index, string? id) => id is not null && index.TryGetValue(id, out var found) ? found : [];

    private static FrozenDictionary<string, AccessRuleRow[]> Index(IEnumerable<AccessRuleRow> rules, Func<AccessRuleRow, string[]> ids) => rules
        .SelectMany(rule => ids(rule).Select(id => (Id: id, Rule: rule)))
        .GroupBy(one => one.Id, one => one.Rule, StringComparer.Ordinal)
        .ToFrozenDictionary(group => group.Key, group => group.ToArray(), StringComparer.Ordinal);

    private static string[] Sorted(IEnumerable<string> names) => [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
