using System.Globalization;
using System.Text.Json;

namespace Obot.Shim.Protocol;

/// <summary>
/// Compares the <c>Mcp-Param-*</c> headers of a <c>tools/call</c> with its arguments (streamable HTTP, revision 2026-07-28, "Server
/// Behavior for Custom Headers").
/// </summary>
internal static class ParamHeaders
{
    // integers that JavaScript can tell apart
    private const decimal MaxInteger = 9007199254740991;

    private const NumberStyles NumberStyle = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = EnvelopeReader.MaxDepth, AllowDuplicateProperties = false };

    /// <summary>Why headers and arguments do not match, for a person; null when they do.</summary>
    /// <param name="parameters">Of the tool. Headers of no parameter are ignored.</param>
    /// <param name="arguments">A JSON object; empty when the request has none.</param>
    /// <param name="header">A header's value, null when it is absent.</param>
    public static string? Mismatch(IReadOnlyList<MirroredParameter> parameters, ReadOnlyMemory<byte> arguments, Func<string, string?> header)
    {
        try
        {
            using var document = JsonDocument.Parse(arguments.IsEmpty ? "{}"u8.ToArray() : arguments, Options);
            var root = document.RootElement;
            return parameters.Select(p => Mismatch(p, Find(root, p.Path), header(p.Header))).FirstOrDefault(m => m is not null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate
            return "a key appears twice in the arguments, or is no text: nobody can say which value the headers have to repeat";
        }
    }

    private static string? Mismatch(MirroredParameter parameter, JsonElement? argument, string? header)
    {
        var (name, path) = (parameter.Header, string.Join('.', parameter.Path));
        if (argument is not { ValueKind: not JsonValueKind.Null } value)
        {
            return header is null ? null : $"{name} is there, but the argument {path} is not";
        }

        if (header is null)
        {
            return $"{name} is absent, but the request has the argument {path}";
        }

        if (!HeaderText.TryDecode(header, out var decoded))
        {
            return $"{name} is neither visible ASCII nor valid base64 of UTF-8";
        }

        var matches = value.ValueKind switch
        {
            JsonValueKind.String => string.Equals(decoded, value.GetString(), StringComparison.Ordinal),
            JsonValueKind.Number => IsSameNumber(decoded, value.GetRawText(), parameter.IsInteger),
            _ => string.Equals(decoded, value.GetRawText(), StringComparison.Ordinal),
        };
        return matches ? null : $"{name} differs from the argument {path}";
    }

    // 42 and 42.0 are the same; what does not fit a decimal is compared as text
    private static bool IsSameNumber(string header, string body, bool integer) =>
        decimal.TryParse(header, NumberStyle, CultureInfo.InvariantCulture, out var left) && decimal.TryParse(body, NumberStyle, CultureInfo.InvariantCulture, out var right)
            ? left == right && (!integer || (decimal.IsInteger(left) && Math.Abs(left) <= MaxInteger))
            : !integer && string.Equals(header, body, StringComparison.Ordinal);

    private static JsonElement? Find(JsonElement arguments, IReadOnlyList<string> path)
    {
        var found = arguments;
        foreach (var name in path)
        {
            if (found.ValueKind != JsonValueKind.Object || !found.TryGetProperty(name, out found))
            {
                return null;
            }
        }

        return found;
    }
}
