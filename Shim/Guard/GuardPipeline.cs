using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Audit;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Calls;
using Obot.Shim.Guard.Exchange;
using Obot.Shim.Guard.Filters;
using Obot.Shim.Guard.Forwarding;
using Obot.Shim.Guard.Limits;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard;

/// <summary>
/// The way of a call past the guard, one named step after the other: authenticate the assertion → read the envelope → authorize → limit →
/// request filters → exchange → forward → response filters → audit.
/// </summary>
internal sealed class GuardPipeline(
    AssertionVerifier assertions, Authorizer authorizer, CallLimits limits, CallFilters filters, OpenStreams streams, CallGate gate, UpstreamForwarder forwarder, UpstreamCredentials credentials, TimeProvider time, AuditTrail? trail = null)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (context.Request.Path != "/mcp")
        {
            await GuardAnswers.WriteErrorAsync(context, StatusCodes.Status404NotFound, [], McpErrorCodes.Refused, "the guard serves /mcp");
            return;
        }

        var call = new GuardCall(context, time.GetTimestamp());
        call.Capture = trail?.Begin(call);
        try
        {
            await HandleAsync(call);
        }
        catch (IOException) when (call.Capture is not null)
        {
            context.Abort();
        }
        finally
        {
            End(call);
        }
    }

    /// <summary>No record, no answer: a client must not take for done what nobody can prove.</summary>
    private void End(GuardCall call)
    {
        if (call.Capture is not { } capture)
        {
            return;
        }

        try
        {
            capture.End();
        }
        catch (IOException)
        {
            call.Context.Abort();
        }
        finally
        {
            trail!.Return(capture);
        }
    }

    private async Task HandleAsync(GuardCall call)
    {
        var context = call.Context;
        try
        {
            await AuthenticateAsync(call);
            if (!call.Ended && trail?.MustRefuse is true)
            {
                await RefuseUnrecordableAsync(call);
            }

            if (!call.Ended && HttpMethods.IsPost(context.Request.Method))
            {
                await CallReader.ReadAsync(call);
            }

            if (!call.Ended)
            {
                await RunAsync(call);
            }
        }
        catch (BadHttpRequestException e)
        {
            await GuardAnswers.WriteErrorAsync(context, e.StatusCode, [], McpErrorCodes.InvalidRequest, e.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // the gateway hung up
        }
    }

    private async Task RunAsync(GuardCall call)
    {
        // idle streams are no activity: they neither keep a server awake nor wake it
        var counts = !HttpMethods.IsGet(call.Context.Request.Method) && call.Envelope.Method is not McpMethods.Listen;
        if (!gate.TryEnter(counts))
        {
            GuardAnswers.TellRetry(call.Context, ObotHeaders.Retry.Draining);
            return;
        }

        try
        {
            await AuthorizeAsync(call);
            if (!call.Ended)
            {
                await limits.EnterAsync(call);
            }

            if (!call.Ended)
            {
                await filters.CheckRequestAsync(call);
            }

            if (!call.Ended)
            {
                using var open = counts ? null : streams.Open(call);
                await credentials.ForwardAsync(call);
            }
        }
        finally
        {
            limits.Leave(call);
            gate.Record(call.Refused);
            gate.Leave(counts);
        }
    }

    /// <summary>Only the gateway can sign: who has no assertion did not come through it.</summary>
    private async Task AuthenticateAsync(GuardCall call)
    {
        var header = call.Context.Request.Headers[ObotHeaders.Assertion];
        call.Caller = header.Count == 1 ? assertions.Verify(header[0]!) : null;
        call.ClientIp = call.Caller is null ? null : call.Context.Request.Headers[ObotHeaders.ClientIp].ToString() is { Length: > 0 } ip ? ip : null;
        if (call.Caller is null)
        {
            await call.RefuseAsync(StatusCodes.Status401Unauthorized, McpErrorCodes.Refused, "no valid assertion of this cluster for this server");
        }
    }

    private async Task AuthorizeAsync(GuardCall call)
    {
        await authorizer.AuthorizeAsync(call);
        if (!call.Ended)
        {
            await forwarder.OpenSessionAsync(call);
        }
    }

    private static Task RefuseUnrecordableAsync(GuardCall call)
    {
        call.Unrecordable = true;
        call.Context.Response.Headers.RetryAfter = "5";
        return call.RefuseAsync(
            StatusCodes.Status503ServiceUnavailable,
            McpErrorCodes.Refused,
            "records of calls cannot be kept at the moment, and without one no call is made (Obot:Audit:WhenFull): the database has been away for too long, or the disk is full");
    }
}
