using System.Buffers;
using System.Text.Json;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Protocol;

/// <summary>An argument of a tool that clients repeat in a header: <c>x-mcp-header</c> in the tool's <c>inputSchema</c>.</summary>
/// <param name="Header">Its whole name, such as <c>Mcp-Param-Region</c>.</param>
/// <param name="Path">Names of the properties that lead to it from <c>arguments</c>.</param>
/// <param name="IsInteger">Its type allows whole numbers only.</param>
internal sealed record MirroredParameter(string Header, IReadOnlyList<string> Path, bool IsInteger)
{
    private const int MaxDepth = 32;

    // RFC 9110: tchar
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>
    /// Those of a schema. Only <c>properties</c> of <c>properties</c> count; clients drop tools that are annotated anywhere else or
    /// with what is no header name.
    /// </summary>
    public static IReadOnlyList<MirroredParameter> Of(JsonElement inputSchema)
    {
        var found = new List<MirroredParameter>();
        Collect(inputSchema, [], found);
        return found;
    }

    private static void Collect(JsonElement schema, IReadOnlyList<string> path, List<MirroredParameter> found)
    {
        if (schema.ValueKind != JsonValueKind.Object || path.Count >= MaxDepth
            || !schema.TryGetProperty("properties"u8, out var properties) || properties.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var property in properties.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Object))
        {
            IReadOnlyList<string> here = [.. path, property.Name];
            if (property.Value.TryGetProperty("x-mcp-header"u8, out var header) && header.ValueKind == JsonValueKind.String
                && header.GetString() is { Length: > 0 } name && !name.AsSpan().ContainsAnyExcept(TokenCharacters))
            {
                found.Add(new MirroredParameter(McpHeaders.ParamPrefix + name, here, AllowsIntegersOnly(property.Value)));
            }

            Collect(property.Value, here, found);
        }
    }

    private static bool AllowsIntegersOnly(JsonElement schema) => schema.TryGetProperty("type"u8, out var type) && type.ValueKind switch
    {
        JsonValueKind.String => type.ValueEquals("integer"u8),
        JsonValueKind.Array => type.EnumerateArray().Any(t => t.ValueKind == JsonValueKind.String && t.ValueEquals("integer"u8))
            && !type.EnumerateArray().Any(t => t.ValueKind == JsonValueKind.String && t.ValueEquals("number"u8)),
        _ => false,
    };
}
