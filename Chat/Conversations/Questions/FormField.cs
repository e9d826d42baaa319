using System.Globalization;
using System.Net.Mail;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Obot.Chat.Conversations.Questions;

/// <summary>One field of a form that a server asks for: a property of MCP's restricted JSON schema of elicitation.</summary>
/// <param name="Kind"><c>string</c>, <c>number</c>, <c>integer</c>, <c>boolean</c>, <c>choice</c> or <c>choices</c>.</param>
internal sealed record FormField(string Name, string Kind, string Label, string? Description, bool Required)
{
    public string? Format { get; init; }
    public int? MinLength { get; init; }
    public int? MaxLength { get; init; }
    public decimal? Minimum { get; init; }
    public decimal? Maximum { get; init; }
    public IReadOnlyList<(string Value, string Label)> Choices { get; init; } = [];
    public string? Default { get; init; }

    /// <summary>Of the input element.</summary>
    public string InputType => Format switch { "email" => "email", "uri" => "url", "date" => "date", "date-time" => "datetime-local", _ => Kind is "number" or "integer" ? "number" : "text" };

    /// <summary>Fields in the schema's order; none where it is not an object's.</summary>
    public static IReadOnlyList<FormField> Of(string? schema)
    {
        try
        {
            if (schema is null || JsonNode.Parse(schema) is not JsonObject root || root["properties"] is not JsonObject properties)
            {
                return [];
            }

            var required = Texts(root["required"]).ToHashSet(StringComparer.Ordinal);
            return [.. properties.Where(entry => entry.Value is JsonObject).Select(entry => Read(entry.Key, entry.Value!.AsObject(), required.Contains(entry.Key)))];
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return [];
        }
    }

    /// <summary>What is wrong with what was entered; null when nothing is.</summary>
    public string? Check(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return Required && Kind is not "boolean" ? "Needed" : null;
        }

        return Kind switch
        {
            "number" or "integer" => CheckNumber(value),
            "choice" => Choices.Any(choice => choice.Value == value) ? null : "Not one of the choices",
            "string" when value.Length < MinLength => $"At least {MinLength} characters",
            "string" when value.Length > MaxLength => $"At most {MaxLength} characters",
            "string" => Format switch
            {
                "email" when !MailAddress.TryCreate(value, out _) => "An e-mail address, such as ann@example.org",
                "uri" when !Uri.TryCreate(value, UriKind.Absolute, out _) => "An address, such as https://example.org",
                "date" when !DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) => "A date, such as 2026-12-24",
                "date-time" when !DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _) => "A date with a time",
                _ => null,
            },
            _ => null,
        };
    }

    /// <summary>The value as JSON; null where nothing was entered.</summary>
    public JsonNode? Json(string? value) => Kind switch
    {
        "boolean" => JsonValue.Create(value == "true"),
        _ when string.IsNullOrEmpty(value) => null,
        "integer" => JsonValue.Create(long.Parse(value, CultureInfo.InvariantCulture)),
        "number" => JsonValue.Create(decimal.Parse(value, NumberStyles.Float, CultureInfo.InvariantCulture)),
        "choices" => new JsonArray([.. value.Split('\n').Select(item => (JsonNode)JsonValue.Create(item))]),
        _ when Format == "date-time" => JsonValue.Create(DateTimeOffset.Parse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).ToString("yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture)),
        _ => JsonValue.Create(value),
    };

    private string? CheckNumber(string value) =>
        !decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? "A number"
        : Kind == "integer" && (decimal.Truncate(number) != number || !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)) ? "A whole number"
        : number < Minimum ? $"At least {Minimum}"
        : number > Maximum ? $"At most {Maximum}"
        : null;

    private static FormField Read(string name, JsonObject property, bool required)
    {
        var type = Text(property["type"]) ?? "string";
        var choices = Options(property);
        var many = type == "array" && property["items"] is JsonObject items ? Options(items) : [];
        return new(name, many.Count > 0 ? "choices" : choices.Count > 0 ? "choice" : type is "number" or "integer" or "boolean" ? type : "string", Text(property["title"]) ?? name, Text(property["description"]), required)
        {
            Format = Text(property["format"]),
            MinLength = (int?)Number(property["minLength"]),
            MaxLength = (int?)Number(property["maxLength"]),
            Minimum = Number(property["minimum"]),
            Maximum = Number(property["maximum"]),
            Choices = many.Count > 0 ? many : choices,
            Default = property["default"] is JsonArray chosen ? string.Join('\n', Texts(chosen)) : property["default"]?.ToString(),
        };
    }

    private static IReadOnlyList<(string Value, string Label)> Options(JsonObject property)
    {
        if ((property["oneOf"] ?? property["anyOf"]) is JsonArray titled)
        {
            return [.. titled.OfType<JsonObject>().Where(option => Text(option["const"]) is not null).Select(option => (Text(option["const"])!, Text(option["title"]) ?? Text(option["const"])!))];
        }

        string[] values = [.. Texts(property["enum"])], names = [.. Texts(property["enumNames"])];
        return [.. values.Select((value, i) => (value, i < names.Length ? names[i] : value))];
    }

    private static IEnumerable<string> Texts(JsonNode? node) => node is JsonArray array ? array.Select(Text).OfType<string>() : [];

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static decimal? Number(JsonNode? node) => node is JsonValue value && value.TryGetValue<decimal>(out var number) ? number : null;
}
