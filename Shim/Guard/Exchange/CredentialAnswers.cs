using Obot.Shim.Contracts.Exchange;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Exchange;

/// <summary>
/// Tells a client what its person has to do, where it cannot be asked to open the link itself: the link stands in the message and in
/// <c>data.url</c>. A client that said that it opens links gets the specification's error for that (URLElicitationRequiredError, revision 2025-11-25).
/// </summary>
internal static class CredentialAnswers
{
    public static Task RefuseAsync(GuardCall call, ExchangeRefusal refusal, bool opensLinks = false)
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
        return GuardAnswers.WriteAsync(call.Context, answered, Error(call, refusal, opensLinks && !call.IsModern));
    }

    /// <summary>The error by itself, for an answer that has begun.</summary>
    public static byte[] Error(GuardCall call, ExchangeRefusal refusal, bool opensLinks)
    {
        var message = refusal.Uri is null ? refusal.Description : $"{refusal.Description}: {refusal.Uri}";
        if (refusal.Uri is not { } uri)
        {
            return JsonRpcError.Write(call.Id.Span, McpErrorCodes.Refused, message);
        }

        return JsonRpcError.Write(call.Id.Span, opensLinks ? McpErrorCodes.UrlElicitationRequired : McpErrorCodes.Refused, message, data =>
        {
            data.WriteStartObject();
            data.WriteString("url"u8, uri);
            if (opensLinks)
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
        });
    }
}
