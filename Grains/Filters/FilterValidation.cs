using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Filters;

/// <summary>Names the field and what is allowed there.</summary>
internal static class FilterValidation
{
    private const int MaxName = 100;
    private const int MaxUrl = 2000;
    private const int MaxSecret = 1000;

    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    public static void Check(NewFilter filter)
    {
        Require(!string.IsNullOrWhiteSpace(filter.Name) && filter.Name.Length <= MaxName && !filter.Name.Any(char.IsControl), "name", $"Must be a text of 1 to {MaxName} characters without control characters.");
        var kind = FilterMapping.KindOf(filter);
        Require(FilterKinds.All.Contains(kind, StringComparer.Ordinal), "kind", $"Must be one of {string.Join(", ", FilterKinds.All.Select(one => $"'{one}'"))}, or be left out with 'url' or 'mcpServerID'.");
        CheckTarget(filter, kind);
        CheckResources(filter.Resources);
        CheckSelectors(filter.Selectors);
        Require(filter.Sides is null || filter.Sides.All(side => side is FilterSides.Request or FilterSides.Response), "sides", "Must be 'request', 'response' or both; left out it is both.");
        Require(filter.Order is null or (>= 0 and <= 10_000), "order", "Must be a whole number from 0 to 10000.");
        Require(filter.TimeoutSeconds is null or (>= 1 and <= FilterLimits.MaxTimeoutSeconds), "timeoutSeconds", $"Must be a whole number from 1 to {FilterLimits.MaxTimeoutSeconds}.");
    }

    /// <summary>Refuses ids of nothing; what the filter names already may stay.</summary>
    /// <exception cref="InvalidInputException">Names the field of the first id that does not exist.</exception>
    public static async Task CheckNamesAsync(ObotDb db, NewFilter filter, FilterRow? kept, CancellationToken cancellationToken)
    {
        if (FilterMapping.KindOf(filter) == FilterKinds.Server && filter.McpServerID != kept?.ServerId)
        {
            Require(await db.Servers.AnyAsync(row => row.Id == filter.McpServerID, cancellationToken), "mcpServerID", $"There is no MCP server '{filter.McpServerID}'.");
        }

        var resources = filter.Resources ?? [];
        var named = resources.Where(resource => resource.Type == RuleResourceTypes.Server).Select(resource => resource.Id).Except(kept?.ServerIds ?? [], StringComparer.Ordinal).ToArray();
        var known = named.Length == 0 ? [] : await db.Servers.Where(row => named.Contains(row.Id)).Select(row => row.Id).ToListAsync(cancellationToken);
        for (var i = 0; i < resources.Count; i++)
        {
            var (type, id) = resources[i];
            Require(type != RuleResourceTypes.Server || !named.Contains(id, StringComparer.Ordinal) || known.Contains(id, StringComparer.Ordinal), $"resources[{i}].id", $"There is no {type} '{id}'.");
        }
    }

    private static void CheckTarget(NewFilter filter, string kind)
    {
        if (kind == FilterKinds.Webhook)
        {
            Require(
                filter.Url is { Length: <= MaxUrl } && Uri.TryCreate(filter.Url, UriKind.Absolute, out var url) && url is { Scheme: "http" or "https", UserInfo: "", Fragment: "" },
                "url",
                "Must be the http or https URL of a webhook, without user and fragment; or name an MCP server by 'mcpServerID' and 'toolName', or a built-in 'kind'.");
            Require(filter.McpServerID is null && filter.ToolName is null, filter.McpServerID is null ? "toolName" : "mcpServerID", "A filter has either a 'url' or an MCP server.");
        }
        else
        {
            Require(filter.Url is null, "url", $"A filter of kind '{kind}' has no URL.");
            Require(string.IsNullOrEmpty(filter.Secret), "secret", "Only webhooks are signed for.");
        }

        if (kind == FilterKinds.Server)
        {
            Require(!string.IsNullOrEmpty(filter.McpServerID), "mcpServerID", "Must be the id of the MCP server that filters.");
            Require(filter.ToolName is { Length: >= 1 and <= AccessRuleLimits.MaxTool }, "toolName", $"Must be the name of the tool to call, of 1 to {AccessRuleLimits.MaxTool} characters.");
        }

        Require(filter.Secret is null or { Length: <= MaxSecret }, "secret", $"Must be a text of at most {MaxSecret} characters.");
    }

    private static void CheckResources(IReadOnlyList<RuleResource>? resources)
    {
        Require(resources is null or { Count: <= AccessRuleLimits.MaxNames }, "resources", $"Must have at most {AccessRuleLimits.MaxNames} items, e.g. {{\"type\": \"mcpServer\", \"id\": \"…\"}}; left out it is every server.");
        for (var i = 0; i < resources?.Count; i++)
        {
            var resource = resources[i];
            Require(
                resource?.Type is RuleResourceTypes.Server or RuleResourceTypes.CatalogEntry or RuleResourceTypes.Catalog or RuleResourceTypes.Selector,
                $"resources[{i}].type",
                "Must be one of 'mcpServer', 'mcpServerCatalogEntry', 'mcpCatalog', 'selector'.");
            Require(
                resource!.Type == RuleResourceTypes.Selector ? resource.Id == "*" : !string.IsNullOrEmpty(resource.Id) && resource.Id.Length <= 200 && resource.Id != "*",
                $"resources[{i}].id",
                "Must be an id; a selector has the id '*'.");
        }
    }

    private static void CheckSelectors(IReadOnlyList<FilterSelector>? selectors)
    {
        Require(selectors is null or { Count: <= FilterLimits.MaxSelectors }, "selectors", $"Must have at most {FilterLimits.MaxSelectors} items, e.g. {{\"method\": \"tools/call\", \"identifiers\": [\"*\"]}}; left out it is every message.");
        for (var i = 0; i < selectors?.Count; i++)
        {
            Require(IsPattern(selectors[i]?.Method), $"selectors[{i}].method", "Must be the name of a method such as 'tools/call', or a glob of '*' and '?'.");
            var identifiers = selectors[i]!.Identifiers;
            Require(identifiers is null or { Count: >= 1 and <= AccessRuleLimits.MaxNames }, $"selectors[{i}].identifiers", $"Must have 1 to {AccessRuleLimits.MaxNames} names or globs, or be left out for everything.");
            for (var j = 0; j < identifiers?.Count; j++)
            {
                Require(IsPattern(identifiers[j]), $"selectors[{i}].identifiers[{j}]", $"Must be a name or a glob of 1 to {FilterLimits.MaxPattern} characters.");
            }
        }
    }

    private static bool IsPattern(string? text) => text is { Length: >= 1 and <= FilterLimits.MaxPattern } && !text.Any(char.IsControl);

    private static void Require(bool condition, string field, string message)
    {
        if (!condition)
        {
            throw new InvalidInputException(field, message);
        }
    }
}
