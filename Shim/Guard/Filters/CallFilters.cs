using System.Buffers;
using Microsoft.Net.Http.Headers;
using Obot.Shim.Contracts.Control;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Filters;

/// <summary>
/// The filters' part of a call: what the client sends is judged before the server sees it, and the way back is prepared. A call that no
/// filter looks at is neither read nor copied.
/// </summary>
internal sealed class CallFilters(string instance, PolicySnapshot policy)
{
    private readonly string serverId = instance.Split('/')[0];

    public Task CheckRequestAsync(GuardCall call)
    {
        var set = policy.Filters;
        if (set.IsEmpty)
        {
            return Task.CompletedTask;
        }

        var method = call.Context.Request.Method;
        if (HttpMethods.IsGet(method))
        {
            // a stream may repeat answers to anything
            call.Answers = set.OnResponse.Length == 0 ? null : new(call, set, [], Subject(call, isResponse: true, null));
            return Task.CompletedTask;
        }

        return HttpMethods.IsPost(method) ? CheckMessageAsync(call, set) : Task.CompletedTask;
    }

    private Task CheckMessageAsync(GuardCall call, FilterSet set)
    {
        var method = call.Envelope.Method;
        if (call.Envelope.Kind is EnvelopeKind.Request)
        {
            var answers = set.For(isResponse: true, method!, call.Name);
            call.Answers = answers.Length > 0 || set.TouchesServerMessages ? new(call, set, answers, Subject(call, isResponse: true, method)) : null;
        }
        else if (set.OnResponse.Length > 0)
        {
            // nothing but 202 belongs here: what comes instead is looked at by all
            call.Answers = new(call, set, set.OnResponse, Subject(call, isResponse: true, null));
        }

        var steps = set.For(isResponse: false, method, call.Name);
        return steps.Length == 0 ? Task.CompletedTask : RunAsync(call, steps);
    }

    private async Task RunAsync(GuardCall call, CompiledFilter[] steps)
    {
        var reader = call.Context.Request.BodyReader;
        var read = await reader.ReadAsync(call.Context.RequestAborted);
        var message = read.Buffer.ToArray();
        reader.AdvanceTo(read.Buffer.Start);

        var passage = await FilterChain.RunAsync(call, steps, Subject(call, isResponse: false, call.Envelope.Method), message, call.Context.RequestAborted);
        if (passage.Blocked is not { } reason)
        {
            if (!passage.Message.Equals(message))
            {
                await ReplaceAsync(call, passage.Message);
            }
        }
        else if (call.Envelope.Kind is EnvelopeKind.Response && call.Id.Length > 0)
        {
            // the server waits for an answer and gets one
            await ReplaceAsync(call, JsonRpcError.Write(call.Id.Span, McpErrorCodes.Refused, reason));
        }
        else
        {
            await RefuseAsync(call, reason);
        }
    }

    private static Task RefuseAsync(GuardCall call, string reason)
    {
        if (call.Envelope.Kind is not EnvelopeKind.Request)
        {
            return call.RefuseAsync(StatusCodes.Status403Forbidden, McpErrorCodes.Refused, reason);
        }

        call.MarkRefused();
        return GuardAnswers.WriteAsync(call.Context, StatusCodes.Status200OK, FilterRefusal.Write(call.Id.Span, call.Envelope.Method, call.IsModern, reason));
    }

    private static async Task ReplaceAsync(GuardCall call, ReadOnlyMemory<byte> message)
    {
        var request = call.Context.Request;
        var read = await request.BodyReader.ReadAsync(call.Context.RequestAborted);
        request.BodyReader.AdvanceTo(read.Buffer.End);
        request.Body = new MemoryStream(message.ToArray(), writable: false);
        request.Headers.Remove(HeaderNames.TransferEncoding);
        request.ContentLength = message.Length;
    }

    private FilterSubject Subject(GuardCall call, bool isResponse, string? method) => new(isResponse, method, call.Name, serverId, call.Caller!.UserId);
}
