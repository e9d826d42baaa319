using System.Collections.Concurrent;
using System.Collections.Frozen;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Guard.Authorization;

/// <summary>A policy made ready for questions. Immutable but for the permissions that it has put together already.</summary>
internal sealed class CompiledPolicy
{
    private const int Remembered = 1000;

    private readonly FrozenSet<string> owners;
    private readonly FrozenDictionary<string, int[]> byUser;
    private readonly FrozenDictionary<string, int[]> byGroup;
    private readonly int[] everyone;
    private readonly IReadOnlyList<GuardRule> rules;
    private readonly ConcurrentDictionary<string, Permission> permissions = new(StringComparer.Ordinal);

    public CompiledPolicy(GuardPolicy policy)
    {
        rules = policy.Rules;
        owners = policy.Owners.ToFrozenSet(StringComparer.Ordinal);
        byUser = Index(rule => rule.Users);
        byGroup = Index(rule => rule.Groups);
        everyone = [.. Enumerable.Range(0, rules.Count).Where(i => rules[i].Everyone)];
    }

    /// <summary>Owners may do everything; others what any rule for them, one of their groups or everyone gives; without one, nothing.</summary>
    public Permission Of(string userId, IReadOnlyList<string> groups)
    {
        if (owners.Contains(userId))
        {
            return Permission.Everything;
        }

        var matching = new SortedSet<int>(everyone);
        matching.UnionWith(Found(byUser, userId));
        foreach (var group in groups)
        {
            matching.UnionWith(Found(byGroup, group));
        }

        if (matching.Count == 0)
        {
            return Permission.Nothing;
        }

        return matching.Any(i => rules[i].Tools is null) ? Permission.Everything : Some(matching);
    }

    /// <summary>Callers with the same rules share one.</summary>
    private Permission Some(SortedSet<int> matching)
    {
        if (permissions.Count >= Remembered)
        {
            permissions.Clear();
        }

        return permissions.GetOrAdd(
            string.Join(',', matching), static (_, found) => Permission.Some(new(found.Matching.SelectMany(i => found.Rules[i].Tools!))), (Matching: matching, Rules: rules));
    }

    private static int[] Found(FrozenDictionary<string, int[]> index, string id) => index.TryGetValue(id, out var found) ? found : [];

    private FrozenDictionary<string, int[]> Index(Func<GuardRule, IReadOnlyList<string>> ids) => Enumerable.Range(0, rules.Count)
        .SelectMany(i => ids(rules[i]).Select(id => (Id: id, Rule: i)))
        .GroupBy(one => one.Id, one => one.Rule, StringComparer.Ordinal)
        .ToFrozenDictionary(group => group.Key, group => group.Distinct().ToArray(), StringComparer.Ordinal);
}
