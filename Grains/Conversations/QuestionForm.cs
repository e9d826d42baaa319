using System.Globalization;
using System.Text.Json;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations;

/// <summary>Checks an answer against the flat schema that MCP allows for elicitation forms: texts, numbers, booleans, choices.</summary>
internal static class QuestionForm
{
    private const int MostContent = 100_000;

    /// <exception cref="InvalidInputException">The action or a value is not allowed.</exception>
    public static void Check(QuestionPart question, QuestionAnswer answer)
    {
        if (answer.Action is not ("accept" or "decline" or "cancel"))
        {
            throw new InvalidInputException("action", "Allowed: 'accept', 'decline', 'cancel'.");
        }

        if (answer.Action != "accept" || question.Schema is null)
        {
            return;
        }

        using var schema = JsonDocument.Parse(question.Schema);
        using var content = Parse(answer.Content);
        if (schema.RootElement.TryGetProperty("required", out var required) && required.ValueKind == JsonValueKind.Array)
        {
            foreach (var name in required.EnumerateArray().Select(one => one.GetString()!).Where(name => !content.RootElement.TryGetProperty(name, out _)))
            {
                throw new InvalidInputException($"content.{name}", "Required.");
            }
        }

        if (schema.RootElement.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in properties.EnumerateObject())
            {
                if (content.RootElement.TryGetProperty(property.Name, out var value))
                {
                    Check($"content.{property.Name}", property.Value, value);
                }
            }
        }
    }

    private static void Check(string field, JsonElement schema, JsonElement value)
    {
        var type = schema.TryGetProperty("type", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString() : "string";
        var isRight = type switch
        {
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            "number" => value.ValueKind == JsonValueKind.Number,
            "array" => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String),
            _ => value.ValueKind == JsonValueKind.String,
        };
        if (!isRight)
        {
            throw new InvalidInputException(field, $"Must be of type {type}.");
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            var text = value.GetString()!;
            Bound(field, schema, "minLength", least => text.Length >= least, "Too short: at least {0} characters.");
            Bound(field, schema, "maxLength", most => text.Length <= most, "Too long: at most {0} characters.");
            if (schema.TryGetProperty("enum", out var choices) && choices.ValueKind == JsonValueKind.Array && choices.EnumerateArray().All(one => one.GetString() != text))
            {
                throw new InvalidInputException(field, $"Allowed: {string.Join(", ", choices.EnumerateArray().Select(one => one.GetString()))}.");
            }
        }
        else if (value.ValueKind == JsonValueKind.Number)
        {
            Bound(field, schema, "minimum", least => value.GetDouble() >= least, "Must be at least {0}.");
            Bound(field, schema, "maximum", most => value.GetDouble() <= most, "Must be at most {0}.");
        }
    }

    private static void Bound(string field, JsonElement schema, string name, Predicate<double> holds, string otherwise)
    {
        if (schema.TryGetProperty(name, out var bound) && bound.ValueKind == JsonValueKind.Number && !holds(bound.GetDouble()))
        {
            throw new InvalidInputException(field, string.Format(CultureInfo.InvariantCulture, otherwise, bound));
        }
    }

    private static JsonDocument Parse(string? content)
    {
        try
        {
            var document = JsonDocument.Parse(content is { Length: > 0 and <= MostContent } ? content : "{}");
            return document.RootElement.ValueKind == JsonValueKind.Object ? document : throw new InvalidInputException("content", "Must be a JSON object.");
        }
        catch (JsonException e)
        {
            throw new InvalidInputException("content", $"Not valid JSON: {e.Message}");
        }
    }
}
