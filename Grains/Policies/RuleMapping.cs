using Obot.Data.Tables;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Policies;

/// <summary>A rule between the form of the API and that of the table.</summary>
internal static class RuleMapping
{
    private const string Selector = "*";

    public static void Fill(AccessRuleRow row, NewAccessRule rule)
    {
        row.DisplayName = rule.DisplayName.Trim();
        row.Everyone = rule.Subjects!.Any(subject => subject.Type == RuleSubjectTypes.Selector);
        row.UserIds = Ids(RuleSubjectTypes.User);
        row.GroupIds = Ids(RuleSubjectTypes.Group);
        row.Everything = rule.Resources!.Any(resource => resource.Type == RuleResourceTypes.Selector);
        row.ServerIds = Resources(RuleResourceTypes.Server);
        row.EntryIds = Resources(RuleResourceTypes.CatalogEntry);
        row.CatalogIds = Resources(RuleResourceTypes.Catalog);
        row.Tools = rule.Tools?.Distinct(StringComparer.Ordinal).ToArray();

        string[] Ids(string type) => [.. rule.Subjects!.Where(subject => subject.Type == type).Select(subject => subject.Id).Distinct(StringComparer.Ordinal)];
        string[] Resources(string type) => [.. rule.Resources!.Where(resource => resource.Type == type).Select(resource => resource.Id).Distinct(StringComparer.Ordinal)];
    }

    public static AccessRuleView View(AccessRuleRow row) => new()
    {
        Id = row.Id,
        DisplayName = row.DisplayName,
        Subjects =
        [
            .. row.Everyone ? [new RuleSubject(RuleSubjectTypes.Selector, Selector)] : Array.Empty<RuleSubject>(),
            .. row.UserIds.Select(id => new RuleSubject(RuleSubjectTypes.User, id)),
            .. row.GroupIds.Select(id => new RuleSubject(RuleSubjectTypes.Group, id)),
        ],
        Resources =
        [
            .. row.Everything ? [new RuleResource(RuleResourceTypes.Selector, Selector)] : Array.Empty<RuleResource>(),
            .. row.ServerIds.Select(id => new RuleResource(RuleResourceTypes.Server, id)),
            .. row.EntryIds.Select(id => new RuleResource(RuleResourceTypes.CatalogEntry, id)),
            .. row.CatalogIds.Select(id => new RuleResource(RuleResourceTypes.Catalog, id)),
        ],
        Tools = row.Tools,
        CreatedBy = row.CreatedBy,
        Revision = row.Revision,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
    };
}
