using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Policies;

/// <summary>
/// What rules open for somebody, for lists only: whether a call is allowed is decided by the guard, and by nobody else.
/// </summary>
internal sealed record RuleScope(bool Everything, string[] ServerIds, string[] EntryIds, string[] CatalogIds)
{
    public static Task<RuleScope> OfAsync(ObotDb db, Principal caller, CancellationToken cancellationToken)
    {
        var (userId, groups) = (caller.UserId, caller.Groups.ToArray());
        return ReadAsync(
            db.AccessRules.AsNoTracking().Where(rule => rule.Everyone || rule.UserIds.Contains(userId) || rule.GroupIds.Any(group => groups.Contains(group))), cancellationToken);
    }

    /// <summary>What everyone may see: a reader who did not say who they are is one of them.</summary>
    public static Task<RuleScope> OfEveryoneAsync(ObotDb db, CancellationToken cancellationToken) =>
        ReadAsync(db.AccessRules.AsNoTracking().Where(rule => rule.Everyone), cancellationToken);

    private static async Task<RuleScope> ReadAsync(IQueryable<AccessRuleRow> open, CancellationToken cancellationToken)
    {
        var rules = await open.Select(rule => new { rule.Everything, rule.ServerIds, rule.EntryIds, rule.CatalogIds }).ToListAsync(cancellationToken);
        return new(
            rules.Exists(rule => rule.Everything),
            Distinct(rules.SelectMany(rule => rule.ServerIds)),
            Distinct(rules.SelectMany(rule => rule.EntryIds)),
            Distinct(rules.SelectMany(rule => rule.CatalogIds)));
    }

    private static string[] Distinct(IEnumerable<string> ids) => [.. ids.Distinct(StringComparer.Ordinal)];
}
