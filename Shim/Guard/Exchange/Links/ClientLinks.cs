using System.Text.Json;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Guard.Exchange.Links;

/// <summary>Does the client open links for its person? <c>capabilities.elicitation.url</c> of <c>initialize</c>, or of a modern request's <c>_meta</c>.</summary>
internal static class ClientLinks
{
    private static readonly JsonDocumentOptions Lenient = new() { MaxDepth = 64 };

    /// <param name="body">The message; null when it was not kept.</param>
    public static bool Opens(GuardCall call, ReadOnlyMemory<byte>? body)
    {
        try
        {
            if (call.IsModern)
            {
                if (body is not { Length: > 0 } message)
                {
                    return false;
                }

                using var request = JsonDocument.Parse(message, Lenient);
                return Find(request.RootElement, "params") is { } parameters && Find(parameters, "_meta") is { } meta && Find(meta, McpHeaders.ClientCapabilitiesKey) is { } capabilities && Has(capabilities);
            }

            if ((call.Hello ?? call.Session?.Handle.Hello) is not { Length: > 0 } hello)
            {
                return false;
            }

            using var parsed = JsonDocument.Parse(hello, Lenient);
            return Find(parsed.RootElement, "capabilities") is { } declared && Has(declared);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public static JsonElement? Find(JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    private static bool Has(JsonElement capabilities) => Find(capabilities, "elicitation") is { } elicitation && Find(elicitation, "url") is not null;
}
