using System.Text.Json.Nodes;
using Obot.Grains.Abstractions;

namespace Obot.Grains.Catalog.Import;

/// <summary>Reads what strangers wrote without minding what is not there.</summary>
internal static class JsonReading
{
    public static string? Text(this JsonObject node, string name) => node[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static bool Flag(this JsonObject node, string name) => node[name] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    public static IEnumerable<JsonObject> Objects(this JsonObject node, string name) => (node[name] as JsonArray)?.OfType<JsonObject>() ?? [];

    /// <summary>Numbers and truth values as they are written.</summary>
    public static IReadOnlyList<string> Texts(this JsonObject node, string name, string field) =>
        node[name] is not JsonArray items ? [] : [.. items.Select((item, i) => item is JsonValue value ? value.ToString() : throw new InvalidInputException($"{field}.{name}[{i}]", "Must be a text."))];

    public static IReadOnlyDictionary<string, string> Map(this JsonObject node, string name, string field) =>
        node[name] is not JsonObject members
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : members.ToDictionary(
                member => member.Key,
                member => member.Value is JsonValue value ? value.ToString() : throw new InvalidInputException($"{field}.{name}.{member.Key}", "Must be a text."),
                StringComparer.Ordinal);
}
