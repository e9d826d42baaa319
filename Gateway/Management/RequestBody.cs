using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Obot.Gateway.Management;

/// <summary>
/// Reads a JSON body with errors that a person can act on: line and position where it is no JSON, the path where a type is wrong.
/// Members that are null count as absent, unknown ones are ignored and listed.
/// </summary>
/// <param name="Value">What was sent.</param>
/// <param name="Warnings">One sentence for every unknown member at the top.</param>
internal sealed record RequestBody<T>(T Value, IReadOnlyList<string> Warnings);

internal static class RequestBody
{
    public const int MaxBytes = 1024 * 1024;

    /// <exception cref="InvalidBodyException">No JSON object, or one of the wrong shape.</exception>
    public static async Task<RequestBody<T>> ReadAsync<T>(HttpContext context)
        where T : class
    {
        var body = await ReadObjectAsync(context);
        try
        {
            var value = body.Deserialize<T>(ManagementJson.Options)!;
            var known = ManagementJson.Options.GetTypeInfo(typeof(T)).Properties.Select(property => property.Name).ToHashSet(StringComparer.Ordinal);
            return new(value, [.. body.Select(member => member.Key).Where(name => !known.Contains(name)).Select(UnknownField)]);
        }
        catch (JsonException e)
        {
            throw WrongShape(e);
        }
    }

    /// <summary>A JSON object of texts, e.g. <c>{"KEY": "value"}</c>.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ReadValuesAsync(HttpContext context)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, node) in await ReadObjectAsync(context))
        {
            values[key] = node is JsonValue value && value.TryGetValue<string>(out var text)
                ? text
                : throw Invalid(key, "Must be a JSON string; an empty one removes the value.");
        }

        return values;
    }

    public static string UnknownField(string path) => $"Unknown field '{path}' was ignored.";

    private static async Task<JsonObject> ReadObjectAsync(HttpContext context)
    {
        // also what keeps a form of another site from being taken for a request of the console's user
        if (!context.Request.HasJsonContentType())
        {
            throw new InvalidBodyException(ManagementProblems.New(
                StatusCodes.Status415UnsupportedMediaType, "Unsupported media type", "Send the body as JSON with 'Content-Type: application/json'."));
        }

        var bytes = await ReadBytesAsync(context);
        try
        {
            var node = JsonNode.Parse(bytes, documentOptions: new() { MaxDepth = 64, AllowDuplicateProperties = false });
            if (node is not JsonObject body)
            {
                throw Invalid("body", "Must be a JSON object.");
            }

            RemoveNulls(body);
            return body;
        }
        catch (JsonException e)
        {
            var problem = ManagementProblems.New(
                StatusCodes.Status400BadRequest,
                "Invalid JSON",
                $"The body is not valid JSON at line {e.LineNumber + 1}, position {e.BytePositionInLine + 1}: {e.Message}");
            problem.Extensions["field"] = "body";
            problem.Extensions["line"] = e.LineNumber + 1;
            problem.Extensions["position"] = e.BytePositionInLine + 1;
            throw new InvalidBodyException(problem);
        }
    }

    private static async Task<byte[]> ReadBytesAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await context.Request.Body.ReadAsync(chunk, context.RequestAborted)) > 0)
        {
            buffer.Write(chunk, 0, read);
            if (buffer.Length > MaxBytes)
            {
                throw new InvalidBodyException(ManagementProblems.New(
                    StatusCodes.Status413PayloadTooLarge, "Body too large", $"The body may have {MaxBytes} bytes at most."));
            }
        }

        return buffer.ToArray();
    }

    private static void RemoveNulls(JsonNode? node)
    {
        if (node is JsonObject members)
        {
            foreach (var name in members.Where(member => member.Value is null).Select(member => member.Key).ToArray())
            {
                members.Remove(name);
            }

            foreach (var member in members)
            {
                RemoveNulls(member.Value);
            }
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items)
            {
                RemoveNulls(item);
            }
        }
    }

    private static InvalidBodyException WrongShape(JsonException e)
    {
        var field = e.Path is { Length: > 2 } path ? path[2..] : "body";
        var type = e.Message.IndexOf(" Path:", StringComparison.Ordinal) is var end and > 0 ? e.Message[..end] : e.Message;
        return Invalid(field, Plain(type));
    }

    /// <summary>The serializer speaks of .NET types; the reader has JSON in hand.</summary>
    private static string Plain(string message)
    {
        const string start = "The JSON value could not be converted to ";
        if (!message.StartsWith(start, StringComparison.Ordinal))
        {
            return message;
        }

        var type = message[start.Length..].TrimEnd('.');
        return type switch
        {
            "System.String" => "Must be a JSON string.",
            _ when type.Contains("Boolean", StringComparison.Ordinal) => "Must be true or false.",
            _ when type.Contains("DateTimeOffset", StringComparison.Ordinal) => "Must be a time in RFC 3339, e.g. \"2030-01-31T12:00:00Z\".",
            _ when type.Contains("Dictionary", StringComparison.Ordinal) => "Must be a JSON object of texts.",
            _ when type.Contains("List", StringComparison.Ordinal) => "Must be a JSON array.",
            _ when type.Contains("Int", StringComparison.Ordinal) => "Must be a whole number.",
            _ => "Must be a JSON object.",
        };
    }

    private static InvalidBodyException Invalid(string field, string message)
    {
        var problem = ManagementProblems.New(StatusCodes.Status400BadRequest, "Invalid input", $"{field}: {message}");
        problem.Extensions["field"] = field;
        problem.Extensions["errors"] = new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [message] };
        return new(problem);
    }
}
