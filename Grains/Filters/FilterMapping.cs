using System.Text.Json;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Filters;

/// <summary>A filter between the form of the API and that of the table.</summary>
internal static class FilterMapping
{
    private const string Selector = "*";

    public static SecretPlace Place(string id) => new("mcp_webhook_validations", id, "secret");

    public static string KindOf(NewFilter filter) => filter.Kind ?? (filter.McpServerID is null ? FilterKinds.Webhook : FilterKinds.Server);

    /// <summary>Everything but the secret.</summary>
    public static void Fill(FilterRow row, NewFilter filter)
    {
        var kind = KindOf(filter);
        row.Name = filter.Name.Trim();
        row.Kind = kind;
        row.Url = kind == FilterKinds.Webhook ? filter.Url : null;
        row.ServerId = kind == FilterKinds.Server ? filter.McpServerID : null;
        row.ToolName = kind == FilterKinds.Server ? filter.ToolName : null;
        row.Everything = filter.Resources is null or [] || filter.Resources.Any(resource => resource.Type == RuleResourceTypes.Selector);
        row.ServerIds = Ids(RuleResourceTypes.Server);
        row.EntryIds = Ids(RuleResourceTypes.CatalogEntry);
        row.CatalogIds = Ids(RuleResourceTypes.Catalog);
        row.Selectors = JsonSerializer.Serialize(filter.Selectors ?? [], JsonSerializerOptions.Web);
        row.OnRequest = filter.Sides is null or [] || filter.Sides.Contains(FilterSides.Request, StringComparer.Ordinal);
        row.OnResponse = filter.Sides is null or [] || filter.Sides.Contains(FilterSides.Response, StringComparer.Ordinal);
        row.AllowedToMutate = filter.AllowedToMutate;
        row.Disabled = filter.Disabled;
        row.Position = filter.Order ?? FilterLimits.DefaultOrder;
        row.TimeoutSeconds = filter.TimeoutSeconds ?? FilterLimits.DefaultTimeoutSeconds;

        string[] Ids(string type) => [.. (filter.Resources ?? []).Where(resource => resource.Type == type).Select(resource => resource.Id).Distinct(StringComparer.Ordinal)];
    }

    public static IReadOnlyList<FilterSelector> Selectors(FilterRow row) => JsonSerializer.Deserialize<FilterSelector[]>(row.Selectors, JsonSerializerOptions.Web) ?? [];

    public static FilterView View(FilterRow row) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Kind = row.Kind,
        Url = row.Url,
        HasSecret = row.Secret is not null,
        McpServerID = row.ServerId,
        ToolName = row.ToolName,
        Resources =
        [
            .. row.Everything ? [new RuleResource(RuleResourceTypes.Selector, Selector)] : Array.Empty<RuleResource>(),
            .. row.ServerIds.Select(id => new RuleResource(RuleResourceTypes.Server, id)),
            .. row.EntryIds.Select(id => new RuleResource(RuleResourceTypes.CatalogEntry, id)),
            .. row.CatalogIds.Select(id => new RuleResource(RuleResourceTypes.Catalog, id)),
        ],
        Selectors = Selectors(row) is { Count: > 0 } selectors ? selectors : null,
        Sides = [.. row.OnRequest ? [FilterSides.Request] : Array.Empty<string>(), .. row.OnResponse ? [FilterSides.Response] : Array.Empty<string>()],
        AllowedToMutate = row.AllowedToMutate,
        Disabled = row.Disabled,
        Order = row.Position,
        TimeoutSeconds = row.TimeoutSeconds,
        CreatedBy = row.CreatedBy,
        Revision = row.Revision,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
    };

    /// <summary>As guards need it. A secret that cannot be read makes a filter that blocks, not one that is left out.</summary>
    public static ServerFilter Resolve(FilterRow row, IEncryption encryption)
    {
        var (kind, secret) = (row.Kind, default(string));
        try
        {
            secret = row.Secret is null ? null : encryption.DecryptText(Place(row.Id), row.Secret);
        }
        catch (EncryptionException)
        {
            kind = ServerFilter.Unreadable;
        }

        return new()
        {
            Id = row.Id,
            Revision = row.Revision,
            Name = row.Name,
            Kind = kind,
            Url = row.Url,
            Secret = secret,
            Selectors = Selectors(row),
            OnRequest = row.OnRequest,
            OnResponse = row.OnResponse,
            AllowedToMutate = row.AllowedToMutate,
            Timeout = TimeSpan.FromSeconds(row.TimeoutSeconds),
        };
    }
}
