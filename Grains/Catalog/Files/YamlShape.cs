using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Catalog.Files;

/// <summary>
/// YAML → JSON of a type of ours. The type decides what a value without quotes is: <c>value: 8080</c> is a text where the format has a
/// text. Collects every fault with its line instead of stopping at the first one, and remembers the line of every field.
/// </summary>
internal sealed class YamlShape
{
    private readonly List<(string Field, int Line, string Message)> _faults = [];
    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);

    public IReadOnlyList<(string Field, int Line, string Message)> Faults => _faults;

    public JsonNode? Convert(YamlValue value, Type type, string path)
    {
        _lines[path] = value.Line;
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (value is YamlText { Plain: true, Text: "" or "~" or "null" or "Null" or "NULL" })
        {
            return null;
        }

        if (type == typeof(string))
        {
            return value is YamlText text ? JsonValue.Create(text.Text) : Fault(path, value, "Must be a text.");
        }

        if (type == typeof(bool))
        {
            return Bool(value) is { } truth ? JsonValue.Create(truth) : Fault(path, value, "Must be true or false.");
        }

        if (type == typeof(int) || type == typeof(long))
        {
            return value is YamlText { Plain: true } number && int.TryParse(number.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                ? JsonValue.Create(whole)
                : Fault(path, value, "Must be a whole number.");
        }

        if (ItemOf(type) is { } item)
        {
            return value is YamlList list ? Items(list, item, path) : Fault(path, value, "Must be a list.");
        }

        if (type == typeof(IReadOnlyDictionary<string, string>))
        {
            return value is YamlMap texts ? Members(texts, path, _ => typeof(string)) : Fault(path, value, "Must be a map of texts.");
        }

        if (type == typeof(JsonElement) || type.IsEnum || ManifestJson.Options.GetTypeInfo(type) is not { Kind: JsonTypeInfoKind.Object } shape)
        {
            return Free(value, path);
        }

        var known = shape.Properties.Where(property => !property.IsExtensionData).ToDictionary(property => property.Name, property => property.PropertyType, StringComparer.Ordinal);
        return value is YamlMap map ? Members(map, path, name => known.GetValueOrDefault(name)) : Fault(path, value, "Must be a map of fields.");
    }

    /// <summary>The line of a field, or of the nearest one around it that is written down.</summary>
    public int LineOf(string path)
    {
        while (true)
        {
            if (_lines.TryGetValue(path, out var line))
            {
                return line;
            }

            var cut = Math.Max(path.LastIndexOf('.'), path.LastIndexOf('['));
            if (cut < 0)
            {
                return _lines.GetValueOrDefault("");
            }

            path = path[..cut];
        }
    }

    /// <summary>A field that the format does not have: as YAML 1.2's core schema reads it.</summary>
    private JsonNode? Free(YamlValue value, string path) => value switch
    {
        YamlList list => Items(list, typeof(JsonElement), path),
        YamlMap map => Members(map, path, _ => typeof(JsonElement)),
        YamlText { Plain: true } text when Bool(text) is { } truth => JsonValue.Create(truth),
        YamlText { Plain: true } text when long.TryParse(text.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => JsonValue.Create(whole),
        YamlText { Plain: true } text when decimal.TryParse(text.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        YamlText text => JsonValue.Create(text.Text),
        _ => null,
    };

    private JsonArray Items(YamlList list, Type item, string path) => new([.. list.Items.Select((value, i) => Convert(value, item, $"{path}[{i}]"))]);

    private JsonObject Members(YamlMap map, string path, Func<string, Type?> typeOf)
    {
        var json = new JsonObject();
        foreach (var (name, line, value) in map.Members)
        {
            var field = path.Length == 0 ? name : $"{path}.{name}";
            if (json.ContainsKey(name))
            {
                _faults.Add((field, line, $"'{name}' is there twice."));
                continue;
            }

            json[name] = Convert(value, typeOf(name) ?? typeof(JsonElement), field);
            _lines[field] = line;
        }

        return json;
    }

    private JsonNode? Fault(string path, YamlValue value, string message)
    {
        _faults.Add((path, value.Line, message));
        return null;
    }

    private static bool? Bool(YamlValue value) => value is YamlText { Plain: true, Text: var text }
        ? text switch { "true" or "True" or "TRUE" => true, "false" or "False" or "FALSE" => false, _ => null }
        : null;

    private static Type? ItemOf(Type type) =>
        type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) || type.GetGenericTypeDefinition() == typeof(IList<>)) ? type.GetGenericArguments()[0] : null;
}
