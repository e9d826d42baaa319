using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Chat.Filters;

/// <summary>A filter as people fill it in: selectors one a line.</summary>
internal sealed class FilterForm
{
    public string Name { get; set; } = "";
    public string Kind { get; set; } = FilterKinds.Webhook;
    public string Url { get; set; } = "";

    /// <summary>Empty keeps the one there is.</summary>
    public string Secret { get; set; } = "";
    public bool RemovesSecret { get; set; }
    public string ServerId { get; set; } = "";
    public string ToolName { get; set; } = "";

    /// <summary>Empty: every server.</summary>
    public IReadOnlyCollection<string> Servers { get; set; } = [];

    /// <summary><c>tools/call search read_*</c>: a method and, if it matters, what it is about.</summary>
    public string Selectors { get; set; } = "";
    public bool OnRequest { get; set; } = true;
    public bool OnResponse { get; set; } = true;
    public bool Mutates { get; set; }
    public bool Disabled { get; set; }
    public int Order { get; set; } = FilterLimits.DefaultOrder;
    public int Timeout { get; set; } = FilterLimits.DefaultTimeoutSeconds;

    /// <summary>Resources that the form has no field for stay as they are.</summary>
    private IReadOnlyList<RuleResource> others = [];

    public static string NameOf(string kind) => kind switch
    {
        FilterKinds.Webhook => "HTTP webhook",
        FilterKinds.Server => "MCP server",
        FilterKinds.Secrets => "Keys and tokens (built in)",
        FilterKinds.PersonalData => "Personal data (built in)",
        FilterKinds.PromptInjection => "Prompt injection (built in)",
        _ => kind,
    };

    public static FilterForm Of(FilterView view) => new()
    {
        Name = view.Name,
        Kind = view.Kind,
        Url = view.Url ?? "",
        ServerId = view.McpServerID ?? "",
        ToolName = view.ToolName ?? "",
        Servers = [.. view.Resources.Where(one => one.Type == RuleResourceTypes.Server).Select(one => one.Id)],
        others = [.. view.Resources.Where(one => one.Type is RuleResourceTypes.Catalog or RuleResourceTypes.CatalogEntry)],
        Selectors = string.Join('\n', (view.Selectors ?? []).Select(one => string.Join(' ', [one.Method, .. one.Identifiers ?? []]))),
        OnRequest = view.Sides.Contains(FilterSides.Request),
        OnResponse = view.Sides.Contains(FilterSides.Response),
        Mutates = view.AllowedToMutate,
        Disabled = view.Disabled,
        Order = view.Order,
        Timeout = view.TimeoutSeconds,
    };

    public NewFilter Request() => new()
    {
        Name = Name,
        Kind = Kind,
        Url = Kind == FilterKinds.Webhook ? Url.Trim() : null,
        Secret = Kind != FilterKinds.Webhook ? null : RemovesSecret ? "" : Secret.Length == 0 ? null : Secret,
        McpServerID = Kind == FilterKinds.Server ? ServerId : null,
        ToolName = Kind == FilterKinds.Server ? ToolName.Trim() : null,
        Resources = Servers.Count == 0 && others.Count == 0 ? null : [.. Servers.Select(id => new RuleResource(RuleResourceTypes.Server, id)), .. others],
        Selectors = Lines() is { Length: > 0 } lines ? lines : null,
        Sides = [.. OnRequest ? [FilterSides.Request] : Array.Empty<string>(), .. OnResponse ? [FilterSides.Response] : Array.Empty<string>()],
        AllowedToMutate = Mutates,
        Disabled = Disabled,
        Order = Order,
        TimeoutSeconds = Timeout,
    };

    private FilterSelector[] Lines() =>
    [
        .. Selectors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(parts => new FilterSelector { Method = parts[0], Identifiers = parts.Length > 1 ? parts[1..] : null }),
    ];
}
