using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Policies;

/// <summary>Which rules a caller manages: all of them, or those whose resources are some servers and nothing else.</summary>
/// <param name="ServerIds">The servers; null for all rules.</param>
internal sealed record RuleReach(string[]? ServerIds)
{
    /// <exception cref="NotAllowedException">The role manages no rules.</exception>
    public static async Task<RuleReach> OfAsync(ObotDb db, Principal caller, CancellationToken cancellationToken)
    {
        if (caller.Role < Role.PowerPlus)
        {
            throw new NotAllowedException("Access rules are managed by administrators, and by users with role 'powerPlus' over servers that they made.");
        }

        if (caller.Role >= Role.Admin)
        {
            return new(caller.ServerIds?.ToArray());
        }

        var own = await db.Servers.Where(row => row.OwnerId == caller.UserId).Select(row => row.Id).ToArrayAsync(cancellationToken);
        return new([.. own.Where(caller.Reaches)]);
    }

    public IQueryable<AccessRuleRow> Of(IQueryable<AccessRuleRow> rules)
    {
        if (ServerIds is not { } ids)
        {
            return rules;
        }

        return rules.Where(row => !row.Everything && row.EntryIds.Length == 0 && row.CatalogIds.Length == 0 && row.ServerIds.All(id => ids.Contains(id)));
    }

    /// <exception cref="NotAllowedException">The rule would reach further than the caller may.</exception>
    public void Check(AccessRuleRow rule)
    {
        if (ServerIds is { } ids && (rule.Everything || rule.EntryIds.Length > 0 || rule.CatalogIds.Length > 0 || rule.ServerIds.Except(ids, StringComparer.Ordinal).Any()))
        {
            throw new NotAllowedException("You may make rules over servers that you made and that your credential reaches, named one by one; anything wider needs an administrator.");
        }
    }
}
