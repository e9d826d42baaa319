using System.Text.Json.Nodes;

namespace Obot.Shim.Guard.Composite;

/// <summary>Whose it is, and what its component calls it.</summary>
internal readonly record struct Origin(ComponentLink Link, string Name);

/// <summary>
/// The lists of a composite as they are now: names with prefixes, renamed, described anew, without what is switched off. Built for one
/// answer; a few hundred entries take microseconds.
/// </summary>
internal sealed class Listing
{
    private static readonly JsonObject AnyObject = new() { ["type"] = "object" };

    private readonly Dictionary<string, Origin> tools = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Origin> prompts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ComponentLink> resources = new(StringComparer.Ordinal);
    private readonly List<(string Stem, ComponentLink Link)> templates = [];
    private readonly JsonArray[] lists = [[], [], [], []];

    public Listing(IEnumerable<ComponentLink> links)
    {
        foreach (var link in links)
        {
            AddTools(link);
            AddPrompts(link);
            AddResources(link);
        }
    }

    /// <param name="list">See <see cref="ComponentCatalog.Lists"/>.</param>
    public JsonArray Of(int list) => lists[list];

    public Origin? Tool(string name) => tools.TryGetValue(name, out var origin) ? origin : null;

    public Origin? Prompt(string name) => prompts.TryGetValue(name, out var origin) ? origin : null;

    /// <summary>By the list of resources, else by the longest fixed beginning of a template.</summary>
    public ComponentLink? Resource(string uri) => resources.TryGetValue(uri, out var link)
        ? link
        : templates.Where(template => uri.StartsWith(template.Stem, StringComparison.Ordinal)).OrderByDescending(template => template.Stem.Length).Select(template => template.Link).FirstOrDefault();

    private void AddTools(ComponentLink link)
    {
        var overrides = link.Component.Tools.ToLookup(tool => tool.Name, StringComparer.Ordinal);
        var offered = link.Catalog?[ComponentCatalog.Tools]
            // of a component that never answered, what was said about it is all that is known
            ?? link.Component.Tools.Where(_ => link.Fault is not null).Select(tool => new JsonObject { ["name"] = tool.Name, ["inputSchema"] = AnyObject.DeepClone() });
        foreach (var tool in offered)
        {
            if (tool.Text("name") is not { } own)
            {
                continue;
            }

            var change = overrides[own].FirstOrDefault();
            if (change?.Enabled is false)
            {
                continue;
            }

            var shown = (JsonObject)tool.DeepClone();
            shown["name"] = Place(tools, link.Component.Prefix + (change?.NewName ?? own), new(link, own));
            if (change?.Description is { } description)
            {
                shown["description"] = description;
            }

            if (link.Fault is { } fault)
            {
                shown["description"] = $"[{Unavailable(link, fault)}] {shown.Text("description")}".TrimEnd();
            }

            lists[ComponentCatalog.Tools].Add((JsonNode)shown);
        }
    }

    private void AddPrompts(ComponentLink link)
    {
        foreach (var prompt in link.Catalog?[ComponentCatalog.Prompts] ?? [])
        {
            if (prompt.Text("name") is { } own)
            {
                var shown = (JsonObject)prompt.DeepClone();
                shown["name"] = Place(prompts, link.Component.Prefix + own, new(link, own));
                lists[ComponentCatalog.Prompts].Add((JsonNode)shown);
            }
        }
    }

    private void AddResources(ComponentLink link)
    {
        foreach (var resource in link.Catalog?[ComponentCatalog.Resources] ?? [])
        {
            if (resource.Text("uri") is { } uri && resources.TryAdd(uri, link))
            {
                lists[ComponentCatalog.Resources].Add(resource.DeepClone());
            }
        }

        foreach (var template in link.Catalog?[ComponentCatalog.Templates] ?? [])
        {
            if (template.Text("uriTemplate") is { } uri)
            {
                templates.Add((uri[..(uri.IndexOf('{', StringComparison.Ordinal) is var brace and >= 0 ? brace : uri.Length)], link));
                lists[ComponentCatalog.Templates].Add(template.DeepClone());
            }
        }
    }

    public static string Unavailable(ComponentLink link, string reason) => $"unavailable: '{link.Component.Title}' cannot be used just now: {reason}";

    /// <summary>Two components may have the same name for two things: the later one gets a number.</summary>
    private static string Place(Dictionary<string, Origin> taken, string name, Origin origin)
    {
        var free = name;
        for (var number = 2; !taken.TryAdd(free, origin); number++)
        {
            free = $"{name}_{number}";
        }

        return free;
    }
}
