using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Policies;

/// <summary>The form of a rule; whether what it names exists is the table's business.</summary>
internal static class AccessRuleValidation
{
    private const int MaxName = 100;
    private const int MaxId = 200;
    private const string Selector = "*";

    /// <exception cref="InvalidInputException">Names the field and what is allowed.</exception>
    public static void Check(NewAccessRule rule)
    {
        if (string.IsNullOrWhiteSpace(rule.DisplayName) || rule.DisplayName.Length > MaxName || rule.DisplayName.Any(char.IsControl))
        {
            throw new InvalidInputException("displayName", $"Must be a text of 1 to {MaxName} characters without control characters.");
        }

        var subjects = Some(rule.Subjects, "subjects", "e.g. {\"type\": \"group\", \"id\": \"…\"}, or {\"type\": \"selector\", \"id\": \"*\"} for everyone");
        for (var i = 0; i < subjects.Count; i++)
        {
            Check(subjects[i]?.Type, subjects[i]?.Id, $"subjects[{i}]", RuleSubjectTypes.User, RuleSubjectTypes.Group, RuleSubjectTypes.Selector);
        }

        var resources = Some(rule.Resources, "resources", "e.g. {\"type\": \"mcpServer\", \"id\": \"…\"}, or {\"type\": \"selector\", \"id\": \"*\"} for everything");
        for (var i = 0; i < resources.Count; i++)
        {
            Check(
                resources[i]?.Type, resources[i]?.Id, $"resources[{i}]", RuleResourceTypes.Server, RuleResourceTypes.CatalogEntry, RuleResourceTypes.Catalog, RuleResourceTypes.Selector);
        }

        CheckTools(rule.Tools);
    }

    private static IReadOnlyList<T> Some<T>(IReadOnlyList<T>? items, string field, string example) => items is { Count: >= 1 and <= AccessRuleLimits.MaxNames }
        ? items
        : throw new InvalidInputException(field, $"Must have 1 to {AccessRuleLimits.MaxNames} items, {example}.");

    private static void Check(string? type, string? id, string field, params string[] types)
    {
        if (type is null || !types.Contains(type, StringComparer.Ordinal))
        {
            throw new InvalidInputException($"{field}.type", $"Must be one of {string.Join(", ", types.Select(one => $"'{one}'"))}.");
        }

        if (type == RuleSubjectTypes.Selector && id != Selector)
        {
            throw new InvalidInputException($"{field}.id", "A selector has the id '*'.");
        }

        if (type != RuleSubjectTypes.Selector && (string.IsNullOrEmpty(id) || id.Length > MaxId || id == Selector || id.Any(char.IsControl)))
        {
            throw new InvalidInputException($"{field}.id", $"Must be the id of one {type}; for all of them use the type 'selector' with the id '*'.");
        }
    }

    private static void CheckTools(IReadOnlyList<string>? tools)
    {
        if (tools is { Count: 0 or > AccessRuleLimits.MaxNames })
        {
            throw new InvalidInputException("tools", $"Must have 1 to {AccessRuleLimits.MaxNames} names or globs, or be left out for all tools.");
        }

        for (var i = 0; i < tools?.Count; i++)
        {
            if (string.IsNullOrEmpty(tools[i]) || tools[i].Length > AccessRuleLimits.MaxTool || tools[i].Any(char.IsControl))
            {
                throw new InvalidInputException($"tools[{i}]", $"Must be the name of a tool, or a glob of '*' and '?', of 1 to {AccessRuleLimits.MaxTool} characters without control characters.");
            }
        }
    }
}
