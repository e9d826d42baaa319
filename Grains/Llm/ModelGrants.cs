using System.Collections.Concurrent;
using System.Collections.Frozen;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>Model access policies of one moment, by who they are for.</summary>
internal sealed class ModelGrants(IReadOnlyList<ModelAccessPolicyRow> policies)
{
    private const int MaxCallers = 20_000;

    private readonly ModelPatterns everyone = new(policies.Where(policy => policy.Everyone).SelectMany(policy => policy.Models));
    private readonly FrozenDictionary<string, string[]> byUser = Index(policies, policy => policy.UserIds);
    private readonly FrozenDictionary<string, string[]> byGroup = Index(policies, policy => policy.GroupIds);

    /// <summary>By the principal's own lists, compared by reference: a change of groups makes a new principal.</summary>
    private readonly ConcurrentDictionary<Principal, ModelPatterns> picked = new(ReferenceEqualityComparer.Instance);

    /// <summary>What all policies together open for somebody, whatever the role.</summary>
    public ModelPatterns Of(Principal caller)
    {
        if (byUser.Count == 0 && byGroup.Count == 0)
        {
            return everyone;
        }

        if (picked.TryGetValue(caller, out var known))
        {
            return known;
        }

        if (picked.Count >= MaxCallers)
        {
            picked.Clear();
        }

        return picked[caller] = everyone.With(Found(byUser, caller.UserId).Concat(caller.Groups.SelectMany(group => Found(byGroup, group))));
    }

    private static string[] Found(FrozenDictionary<string, string[]> index, string id) => index.TryGetValue(id, out var found) ? found : [];

    private static FrozenDictionary<string, string[]> Index(IEnumerable<ModelAccessPolicyRow> policies, Func<ModelAccessPolicyRow, string[]> ids) => policies
        .SelectMany(policy => ids(policy).SelectMany(id => policy.Models.Select(model => (Id: id, Model: model))))
        .GroupBy(pair => pair.Id, pair => pair.Model, StringComparer.Ordinal)
        .ToFrozenDictionary(group => group.Key, group => group.Distinct(StringComparer.Ordinal).ToArray(), StringComparer.Ordinal);
}

/// <summary>Names of models, and beginnings of names.</summary>
internal sealed class ModelPatterns
{
    private readonly FrozenSet<string> names;
    private readonly string[] beginnings;

    public ModelPatterns(IEnumerable<string> patterns)
    {
        var all = patterns.Distinct(StringComparer.Ordinal).ToList();
        names = all.Where(pattern => !pattern.EndsWith('*')).ToFrozenSet(StringComparer.Ordinal);
        beginnings = [.. all.Where(pattern => pattern.EndsWith('*')).Select(pattern => pattern[..^1])];
    }

    public ModelPatterns With(IEnumerable<string> more) => new(names.Concat(beginnings.Select(beginning => beginning + "*")).Concat(more));

    public bool Covers(string name)
    {
        if (names.Contains(name))
        {
            return true;
        }

        foreach (var beginning in beginnings)
        {
            if (name.StartsWith(beginning, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>By id, by what callers ask for, or by provider and its own name.</summary>
    public bool Covers(LlmTarget target) =>
        Covers(target.Name) || names.Contains(target.ModelId) || Covers($"{target.Provider.Id}/{target.Model}");
}
