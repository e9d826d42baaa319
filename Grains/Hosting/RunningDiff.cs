using System.Text.Json;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>Where the manifest that runs differs from the declared one, field by field. Both come without secrets: of a sensitive value it is only seen that it is set.</summary>
internal static class RunningDiff
{
    private const int MaxShown = 2000;

    /// <param name="running">JSON; null when it is not known.</param>
    public static IReadOnlyList<FieldChange> Of(string? running, string declared)
    {
        var (before, after) = (Flatten(running), Flatten(declared));
        return
        [
            .. before.Keys.Union(after.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .Select(field => new FieldChange(field, Shown(before.GetValueOrDefault(field)), Shown(after.GetValueOrDefault(field))))
                .Where(change => !string.Equals(change.Running, change.Declared, StringComparison.Ordinal)),
        ];
    }

    private static Dictionary<string, string> Flatten(string? json)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        if (json is not null)
        {
            using var document = JsonDocument.Parse(json);
            Add(fields, "", document.RootElement);
        }

        return fields;
    }

    private static void Add(Dictionary<string, string> fields, string path, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    Add(fields, path.Length == 0 ? member.Name : $"{path}.{member.Name}", member.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var (index, item) in element.EnumerateArray().Index())
                {
                    Add(fields, $"{path}[{index}]", item);
                }

                break;
            default:
                fields[path] = element.ValueKind is JsonValueKind.String ? element.GetString()! : element.GetRawText();
                break;
        }
    }

    private static string? Shown(string? value) => value?.Length > MaxShown ? value[..MaxShown] + "…" : value;
}
