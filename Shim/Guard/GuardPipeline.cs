using System.Buffers;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Calls;
using Obot.Shim.Guard.Forwarding;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard;

/// <summary>
/// The way of a call past the guard, one named step after the other: authenticate the assertion → read the envelope → authorize →
/// request filters → exchange → forward → response filters → audit.
/// </summary>
internal sealed class GuardPipeline(GuardBoot boot, AssertionVerifier assertions, PolicySnapshot policy, CallGate gate, UpstreamForwarder forwarder, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (context.Request.Path != "/mcp")
        {
            await GuardAnswers.WriteErrorAsync(context, StatusCodes.Status404NotFound, [], McpErrorCodes.Refused, "the guard serves /mcp");
            return;
        }

        var call = new GuardCall(context, time.GetTimestamp());
        try
        {
            await AuthenticateAsync(call);
            if (!call.Refused)
            {
                await ReadEnvelopeAsync(call);
            }

            if (!call.Refused)
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
            if (!call.Refused)
            {
                // request filters, then the exchange for a third party's token, stand here
                await forwarder.ForwardAsync(call);
            }
        }
        finally
        {
            Audit(call);
            gate.Leave(counts);
        }
    }

    /// <summary>Only the gateway can sign: who has no assertion did not come through it.</summary>
    private async Task AuthenticateAsync(GuardCall call)
    {
        var header = call.Context.Request.Headers[ObotHeaders.Assertion];
        call.Caller = header.Count == 1 ? assertions.Verify(header[0]!) : null;
        if (call.Caller is null)
        {
            await call.RefuseAsync(StatusCodes.Status401Unauthorized, McpErrorCodes.Refused, "no valid assertion of this cluster for this server");
        }
    }

    /// <summary>Reads the message where it lies in the connection's buffer and leaves it there for the forwarder.</summary>
    private async Task ReadEnvelopeAsync(GuardCall call)
    {
        if (!HttpMethods.IsPost(call.Context.Request.Method))
        {
            return;
        }

        var reader = call.Context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(call.Context.RequestAborted);
            if (read.IsCompleted)
            {
                var envelope = EnvelopeReader.Read(read.Buffer);
                if (envelope.Id.Present)
                {
                    call.Id = read.Buffer.Slice(envelope.Id.Start, envelope.Id.Length).ToArray();
                }

                call.Envelope = envelope;
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
    }

    private Task AuthorizeAsync(GuardCall call) => policy.Allows(call.Caller!)
        ? forwarder.OpenSessionAsync(call)
        : call.RefuseAsync(StatusCodes.Status403Forbidden, McpErrorCodes.Refused, $"you may not call '{boot.Instance}': ask its owner or an administrator for access");

    private void Audit(GuardCall call) => gate.Record(call.Refused);
}
