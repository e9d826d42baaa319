using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>Providers, models, aliases, policies and budgets of one moment. Immutable but for what it remembers of its own decisions.</summary>
internal sealed class LlmBook
{
    private const int MaxDecided = 20_000;
    private readonly FrozenDictionary<string, LlmTarget> byId;
    private readonly FrozenDictionary<string, LlmTarget[]> byName;
    private readonly FrozenDictionary<string, LlmTarget[]> byAlias;
    private readonly ModelGrants grants;
    private readonly IReadOnlyList<LlmBudgetView> budgets;
    private readonly IReadOnlyList<MessagePolicyView> messages;
    private readonly IReadOnlyList<LlmListing> listings;

    /// <summary>By the principal's reference: a change of groups makes a new principal, and a change of anything here a new book.</summary>
    private readonly ConcurrentDictionary<(Principal Caller, string Asked), LlmDecision> decided = new(new ByReference());

    public LlmBook(
        IReadOnlyDictionary<string, LlmProvider> providers, IEnumerable<ModelRow> models, IEnumerable<ModelAliasRow> aliases, IReadOnlyList<ModelAccessPolicyRow> policies, IReadOnlyList<LlmBudgetView> budgets,
        IReadOnlyList<MessagePolicyView> messages)
    {
        var rows = models.Where(row => row.Active && providers.ContainsKey(row.ProviderId)).OrderBy(row => row.CreatedAt).ThenBy(row => row.Id, StringComparer.Ordinal).ToList();
        byId = rows.Select(row => Target(row, providers[row.ProviderId])).ToFrozenDictionary(target => target.ModelId, StringComparer.Ordinal);
        byName = rows.SelectMany(row => new[] { row.Name, $"{row.ProviderId}/{row.Target}" }.Distinct(StringComparer.Ordinal).Select(name => (Name: name, Target: byId[row.Id])))
            .GroupBy(pair => pair.Name, pair => pair.Target, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.ToArray(), StringComparer.Ordinal);
        var named = aliases.Select(row => (row.Alias, row.UpdatedAt, Targets: Targets(row))).Where(alias => alias.Targets.Length > 0).ToList();
        byAlias = named.ToFrozenDictionary(alias => alias.Alias, alias => alias.Targets, StringComparer.Ordinal);
        grants = new(policies);
        this.budgets = budgets;
        this.messages = messages;
        listings =
        [
            .. named.Select(alias => new LlmListing(alias.Alias, "obot", alias.Targets[0].Usage, alias.UpdatedAt)),
            .. rows.DistinctBy(row => row.Name, StringComparer.Ordinal).Where(row => !byAlias.ContainsKey(row.Name)).Select(row => new LlmListing(row.Name, row.ProviderId, row.Usage, row.CreatedAt)),
        ];
    }

    public LlmDecision Resolve(Principal caller, string asked)
    {
        if (decided.TryGetValue((caller, asked), out var known))
        {
            return known;
        }

        var decision = Decide(caller, asked);
        if (decision.Verdict is LlmVerdict.Allowed)
        {
            if (decided.Count >= MaxDecided)
            {
                decided.Clear();
            }

            decided[(caller, asked)] = decision;
        }

        return decision;
    }

    private LlmDecision Decide(Principal caller, string asked)
    {
        var (targets, viaAlias) = Find(asked);
        if (targets is null)
        {
            return LlmDecision.Unknown;
        }

        var mine = grants.Of(caller);
        var allowed = (viaAlias && mine.Covers(asked)) || targets.All(mine.Covers) ? targets : Array.FindAll(targets, mine.Covers);
        return allowed.Length == 0 ? LlmDecision.Denied : new(LlmVerdict.Allowed, allowed, BudgetScopes.Of(budgets, caller, asked, allowed[0]), Messages(caller, asked, allowed[0]));
    }

    public (LlmTarget[]? Targets, bool ViaAlias) Find(string asked)
    {
        if (byAlias.TryGetValue(asked, out var aliased))
        {
            return (aliased, true);
        }

        return (byName.TryGetValue(asked, out var named) ? named : byId.TryGetValue(asked, out var one) ? [one] : null, false);
    }

    private IReadOnlyList<MessagePolicyView> Messages(Principal caller, string asked, LlmTarget target) =>
        messages.Count == 0 ? messages : [.. messages.Where(policy => StoredMessagePolicies.IsFor(policy, caller, asked, target))];

    public IReadOnlyList<LlmListing> Visible(Principal caller) => [.. listings.Where(listing => Resolve(caller, listing.Name).Verdict is LlmVerdict.Allowed)];

    /// <summary>Ids of the models that the caller may use by any name.</summary>
    public HashSet<string> Usable(Principal caller)
    {
        var mine = grants.Of(caller);
        return byId.Values.Where(mine.Covers).Concat(byAlias.Where(alias => mine.Covers(alias.Key)).SelectMany(alias => alias.Value))
            .Select(target => target.ModelId).ToHashSet(StringComparer.Ordinal);
    }

    private LlmTarget[] Targets(ModelAliasRow row) =>
    [
        .. LlmJson.Read<List<ModelAliasTarget>>(row.Targets).Where(target => byId.ContainsKey(target.Model))
            .Select(target => byId[target.Model] with { Weight = target.Weight, Order = target.Order }).OrderBy(target => target.Order),
    ];

    private static LlmTarget Target(ModelRow row, LlmProvider provider) =>
        new(provider, row.Id, row.Name, row.Target, row.Usage, row.Prices is null ? null : LlmJson.Read<ModelPrices>(row.Prices));

    private sealed class ByReference : IEqualityComparer<(Principal Caller, string Asked)>
    {
        public bool Equals((Principal Caller, string Asked) x, (Principal Caller, string Asked) y) => ReferenceEquals(x.Caller, y.Caller) && x.Asked == y.Asked;

        public int GetHashCode((Principal Caller, string Asked) obj) => HashCode.Combine(RuntimeHelpers.GetHashCode(obj.Caller), obj.Asked);
    }
}
