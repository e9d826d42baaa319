using System.Buffers;
using Microsoft.Net.Http.Headers;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Sessions;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Calls;

/// <summary>
/// Reads the message of a POST where it lies in the connection's buffer and leaves it there for the forwarder. What two readers could
/// understand differently is refused: what is authorized has to be what is carried out.
/// </summary>
internal static class CallReader
{
    private const int MaxReplay = 256 * 1024;

    public static async Task ReadAsync(GuardCall call)
    {
        if (!IsUtf8(call.Context.Request.ContentType))
        {
            await call.RefuseAsync(StatusCodes.Status415UnsupportedMediaType, McpErrorCodes.InvalidRequest, "send the message as application/json in UTF-8");
            return;
        }

        var reader = call.Context.Request.BodyReader;
        Refusal? mismatch;
        while (true)
        {
            var read = await reader.ReadAsync(call.Context.RequestAborted);
            if (read.IsCompleted)
            {
                mismatch = Take(call, read.Buffer);
                reader.AdvanceTo(read.Buffer.Start);
                break;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        if (call.Envelope.Fault is EnvelopeFault.Syntax)
        {
            await call.RefuseAsync(StatusCodes.Status400BadRequest, McpErrorCodes.ParseError, "the request is not valid JSON");
        }
        else if (call.Envelope.Fault is EnvelopeFault.DuplicateKey)
        {
            await call.RefuseAsync(StatusCodes.Status400BadRequest, McpErrorCodes.InvalidRequest, "a key appears twice in the message, in its params or in their _meta");
        }
        else if (call.Envelope.Kind is EnvelopeKind.Batch)
        {
            await call.RefuseAsync(StatusCodes.Status400BadRequest, McpErrorCodes.InvalidRequest, "JSON-RPC batches are not supported: send one message a request");
        }
        else if (call.Envelope.HasLookalike)
        {
            await call.RefuseAsync(StatusCodes.Status400BadRequest, McpErrorCodes.InvalidRequest, "a key of the message or of its params differs from one of the protocol's only by case");
        }
        else if (mismatch is { } refusal)
        {
            await call.RefuseAsync(StatusCodes.Status400BadRequest, refusal.Code, refusal.Message);
        }
    }

    private static Refusal? Take(GuardCall call, in ReadOnlySequence<byte> body)
    {
        var envelope = EnvelopeReader.Read(body);
        call.Envelope = envelope;
        call.Capture?.Request(body, envelope);
        if (envelope.Fault is not EnvelopeFault.None)
        {
            return null;
        }

        if (envelope.Id.Present)
        {
            call.Id = body.Slice(envelope.Id.Start, envelope.Id.Length).ToArray();
        }

        call.Name = Text(body, ModernHeaders.NameOf(envelope));
        var headers = call.Context.Request.Headers;
        var version = Header(headers, McpHeaders.ProtocolVersion);
        var bodyVersion = Text(body, envelope.ProtocolVersion);
        var (method, name) = (Header(headers, McpHeaders.Method), Header(headers, McpHeaders.Name));
        call.IsModern = McpVersions.IsModern(version) || McpVersions.IsModern(bodyVersion);
        if (call.IsModern)
        {
            return ModernHeaders.Check(envelope, bodyVersion, call.Name, version, method, name);
        }

        if (envelope.Method is McpMethods.Initialize && envelope.Kind is EnvelopeKind.Request && body.Length <= MaxReplay)
        {
            call.Hello = LegacySessions.HelloOf(body.ToArray());
        }
        else if (headers.ContainsKey(McpHeaders.SessionId) && body.Length <= MaxReplay)
        {
            call.Replay = body.ToArray();
        }

        // older revisions do not know these headers; somebody behind us may look at them all the same
        return method is not null && !string.Equals(method, envelope.Method, StringComparison.Ordinal)
            ? new(McpErrorCodes.HeaderMismatch, $"{McpHeaders.Method} is {method}, but the method is {envelope.Method}")
            : ModernHeaders.CheckName(call.Name, name, isRequired: false);
    }

    /// <summary>A server that believes another charset reads other keys and names out of the same bytes (UTF-7 is ASCII to everybody else).</summary>
    private static bool IsUtf8(string? contentType) =>
        contentType is null or "application/json"
        || (MediaTypeHeaderValue.TryParse(contentType, out var type)
            && type.Parameters.Count(parameter => parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase)) is var charsets
            && (charsets == 0 || (charsets == 1 && HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))));

    private static string? Header(IHeaderDictionary headers, string name) => headers.TryGetValue(name, out var value) ? value.ToString() : null;

    private static string? Text(in ReadOnlySequence<byte> body, TokenRange range)
    {
        if (!range.Present)
        {
            return null;
        }

        var token = body.Slice(range.Start, range.Length);
        return JsonText.Read(token.IsSingleSegment ? token.FirstSpan : token.ToArray(), new TokenRange(0, range.Length));
    }
}
