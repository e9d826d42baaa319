using System.Text.Json;
using Obot.Shim.Contracts.Exchange;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Exchange;

/// <summary>
/// Tells a client what its person has to do. A client that said that it opens links gets the specification's error for that
/// (URLElicitationRequiredError, revision 2025-11-25); everybody gets the link in words and in <c>data.url</c>.
/// </summary>
internal static class CredentialAnswers
{
    private static readonly JsonDocumentOptions Lenient = new() { MaxDepth = 64 };

    public static Task RefuseAsync(GuardCall call, byte[]? body, ExchangeRefusal refusal)
    {
        call.MarkRefused();
        var (status, retry) = refusal.Error switch
        {
            ExchangeErrors.InteractionRequired or ExchangeErrors.ConfigurationRequired => (StatusCodes.Status403Forbidden, false),
            ExchangeErrors.TemporarilyUnavailable => (StatusCodes.Status503ServiceUnavailable, true),
            ExchangeErrors.AccessDenied => (StatusCodes.Status403Forbidden, false),
            _ => (StatusCodes.Status502BadGateway, false),
        };
        if (retry)
        {
            call.Context.Response.Headers.RetryAfter = "5";
        }

        // a request is answered as one: clients show the error of an answer, and only the status of a failed transport
        var answered = call.Id.IsEmpty || retry ? status : StatusCodes.Status200OK;
        var message = refusal.Uri is null ? refusal.Description : $"{refusal.Description}: {refusal.Uri}";
        if (refusal.Uri is not { } uri)
        {
            return GuardAnswers.WriteErrorAsync(call.Context, answered, call.Id.Span, McpErrorCodes.Refused, message);
        }

        var elicits = OpensLinks(body);
        return GuardAnswers.WriteAsync(call.Context, answered, JsonRpcError.Write(call.Id.Span, elicits ? McpErrorCodes.UrlElicitationRequired : McpErrorCodes.Refused, message, data =>
        {
            data.WriteStartObject();
            data.WriteString("url"u8, uri);
            if (elicits)
            {
                data.WriteStartArray("elicitations"u8);
                data.WriteStartObject();
                data.WriteString("mode"u8, "url"u8);
                data.WriteString("elicitationId"u8, Guid.NewGuid().ToString("N"));
                data.WriteString("url"u8, uri);
                data.WriteString("message"u8, refusal.Description);
                data.WriteEndObject();
                data.WriteEndArray();
            }

            data.WriteEndObject();
        }));
    }

    /// <summary><c>capabilities.elicitation.url</c> of <c>initialize</c>, or of a modern request's <c>_meta</c>.</summary>
    private static bool OpensLinks(byte[]? body)
    {
        if (body is not { Length: > 0 })
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(body, Lenient);
            return Find(document.RootElement, "params") is { } parameters
                && (Find(parameters, "capabilities") ?? (Find(parameters, "_meta") is { } meta ? Find(meta, McpHeaders.ClientCapabilitiesKey) : null)) is { } capabilities
                && Find(capabilities, "elicitation") is { } elicitation
                && Find(elicitation, "url") is not null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonElement? Find(JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;
}
