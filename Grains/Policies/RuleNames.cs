using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Policies;

/// <summary>Refuses ids of nothing: a typing error in a rule would lock somebody out in silence.</summary>
internal static class RuleNames
{
    /// <param name="kept">The rule as it was: what it names may be gone by now and may stay.</param>
    /// <exception cref="InvalidInputException">Names the field of the first id that does not exist.</exception>
    public static async Task CheckAsync(ObotDb db, NewAccessRule rule, AccessRuleRow? kept, CancellationToken cancellationToken)
    {
        var users = Ids(rule.Subjects!.Where(subject => subject.Type == RuleSubjectTypes.User).Select(subject => subject.Id), kept?.UserIds);
        var groups = Ids(rule.Subjects!.Where(subject => subject.Type == RuleSubjectTypes.Group).Select(subject => subject.Id), kept?.GroupIds);
        var servers = Ids(rule.Resources!.Where(resource => resource.Type == RuleResourceTypes.Server).Select(resource => resource.Id), kept?.ServerIds);
        users.ExceptWith(users.Count == 0 ? [] : await db.Users.Where(row => users.Contains(row.Id)).Select(row => row.Id).ToListAsync(cancellationToken));
        groups.ExceptWith(groups.Count == 0 ? [] : await db.Groups.Where(row => groups.Contains(row.Id)).Select(row => row.Id).ToListAsync(cancellationToken));
        servers.ExceptWith(servers.Count == 0 ? [] : await db.Servers.Where(row => servers.Contains(row.Id)).Select(row => row.Id).ToListAsync(cancellationToken));

        var entries = Ids(rule.Resources!.Where(resource => resource.Type == RuleResourceTypes.CatalogEntry).Select(resource => resource.Id), kept?.EntryIds);
        var catalogs = Ids(rule.Resources!.Where(resource => resource.Type == RuleResourceTypes.Catalog).Select(resource => resource.Id), kept?.CatalogIds);
        entries.ExceptWith(entries.Count == 0 ? [] : await db.CatalogEntries.Where(row => entries.Contains(row.Id)).Select(row => row.Id).ToListAsync(cancellationToken));
        catalogs.ExceptWith(catalogs.Count == 0 ? [] : await db.Catalogs.Where(row => catalogs.Contains(row.Id)).Select(row => row.Id).ToListAsync(cancellationToken));

        for (var i = 0; i < rule.Subjects!.Count; i++)
        {
            var (type, id) = rule.Subjects[i];
            if (type == RuleSubjectTypes.User ? users.Contains(id) : type == RuleSubjectTypes.Group && groups.Contains(id))
            {
                throw new InvalidInputException($"subjects[{i}].id", $"There is no {type} '{id}'.");
            }
        }

        for (var i = 0; i < rule.Resources!.Count; i++)
        {
            var (type, id) = rule.Resources[i];

            var isUnknown = type switch
            {
                RuleResourceTypes.Server => servers.Contains(id),
                RuleResourceTypes.CatalogEntry => entries.Contains(id),
                RuleResourceTypes.Catalog => catalogs.Contains(id),
                _ => false,
            };
            if (isUnknown)
            {
                throw new InvalidInputException($"resources[{i}].id", $"There is no {type} '{id}'.");
            }
        }
    }

    private static HashSet<string> Ids(IEnumerable<string> named, IEnumerable<string>? kept) =>
        named.Except(kept ?? [], StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
}
