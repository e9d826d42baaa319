using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Lists;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Filters;

/// <summary>
/// The way back of one call, one message at a time: its answer, and what the server says and asks meanwhile. A blocked answer becomes an
/// error, a blocked notification is left out, and a blocked question of the server is answered in the client's place.
/// </summary>
/// <param name="steps">Filters of the call's own answer.</param>
/// <param name="subject">Of the call's own answer.</param>
internal sealed class AnswerFilters(GuardCall call, FilterSet set, CompiledFilter[] steps, FilterSubject subject)
{
    /// <summary>Null: nothing of it goes on.</summary>
    /// <param name="message">One message.</param>
    /// <param name="answerServer">Sends a JSON-RPC response to the server.</param>
    /// <exception cref="UnfilterableException">It is no message that a filter could judge.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ScreenAsync(ReadOnlyMemory<byte> message, Func<ReadOnlyMemory<byte>, Task> answerServer, CancellationToken cancellationToken)
    {
        var envelope = EnvelopeReader.Read(message.Span);
        if (envelope.Fault is not EnvelopeFault.None || envelope.Kind is EnvelopeKind.Batch)
        {
            throw new UnfilterableException("it is not one JSON-RPC message");
        }

        var id = message.Slice(envelope.Id.Start, envelope.Id.Length);
        var isOwn = envelope.Kind is EnvelopeKind.Response && call.Id.Length > 0 && (id.IsEmpty || RequestId.Read(id.Span) == RequestId.Read(call.Id.Span));
        var about = isOwn ? subject : subject with { Method = envelope.Method, Identifier = null };
        var filters = isOwn ? steps : set.For(isResponse: true, about.Method, about.Identifier);
        if (filters.Length == 0)
        {
            return message;
        }

        var passage = await FilterChain.RunAsync(call, filters, about, message, cancellationToken);
        if (passage.Blocked is not { } reason)
        {
            return passage.Message;
        }

        switch (envelope.Kind)
        {
            case EnvelopeKind.Response:
                return FilterRefusal.Write(id.Span, about.Method, call.IsModern, reason);
            case EnvelopeKind.Request:
                await answerServer(JsonRpcError.Write(id.Span, McpErrorCodes.Refused, reason));
                return null;
            default:
                return null;
        }
    }
}
