using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting;

namespace Obot.Grains.Catalog;

/// <summary>Two manifests, field by field.</summary>
internal static class ManifestDiff
{
    private const int MaxFields = 200;

    /// <summary>Compares what is stored and shows what may be shown: a changed secret is a field without values.</summary>
    public static IReadOnlyList<FieldDrift> Of(ServerManifest server, ServerManifest entry)
    {
        var fields = new List<string>();
        Walk(Json(server), Json(entry), "", fields);
        var (shownServer, shownEntry) = (Json(ManifestEntries.Redact(server)), Json(ManifestEntries.Redact(entry)));
        return [.. fields.Take(MaxFields).Select(field => new FieldDrift(field, At(shownServer, field), At(shownEntry, field)))];
    }

    private static JsonNode? Json(ServerManifest manifest) => JsonSerializer.SerializeToNode(manifest, ManifestJson.Options);

    private static void Walk(JsonNode? one, JsonNode? other, string path, List<string> fields)
    {
        if (one is JsonObject members && other is JsonObject others)
        {
            foreach (var name in members.Select(member => member.Key).Union(others.Select(member => member.Key), StringComparer.Ordinal))
            {
                Walk(members[name], others[name], path.Length == 0 ? name : $"{path}.{name}", fields);
            }
        }
        else if (one is JsonArray items && other is JsonArray otherItems && items.Count == otherItems.Count)
        {
            for (var i = 0; i < items.Count; i++)
            {
                Walk(items[i], otherItems[i], $"{path}[{i}]", fields);
            }
        }
        else if (!JsonNode.DeepEquals(one, other))
        {
            fields.Add(path);
        }
    }

    private static JsonElement? At(JsonNode? node, string field)
    {
        foreach (var step in field.Replace("[", ".[", StringComparison.Ordinal).Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            node = node switch
            {
                JsonArray items when step[0] == '[' && int.TryParse(step[1..^1], System.Globalization.CultureInfo.InvariantCulture, out var index) && index < items.Count => items[index],
                JsonObject members when members.TryGetPropertyValue(step, out var member) => member,
                _ => null,
            };
        }

        return node is null ? null : JsonSerializer.SerializeToElement(node);
    }
}
