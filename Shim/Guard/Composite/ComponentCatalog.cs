using System.Text.Json.Nodes;

namespace Obot.Shim.Guard.Composite;

/// <summary>What one component lists for one caller. The nodes are read, never changed.</summary>
internal sealed class ComponentCatalog(IReadOnlyList<JsonArray> lists)
{
    public const int Tools = 0;
    public const int Prompts = 1;
    public const int Resources = 2;
    public const int Templates = 3;

    /// <summary>In the order of the constants above.</summary>
    public static readonly (string Method, string Member, string Capability)[] Lists =
    [
        ("tools/list", "tools", "tools"), ("prompts/list", "prompts", "prompts"), ("resources/list", "resources", "resources"), ("resources/templates/list", "resourceTemplates", "resources"),
    ];

    private readonly string text = string.Join('\n', lists.Select(list => list.ToJsonString()));

    public IEnumerable<JsonObject> this[int list] => lists[list].OfType<JsonObject>();

    public bool SameAs(ComponentCatalog other) => string.Equals(text, other.text, StringComparison.Ordinal);
}
