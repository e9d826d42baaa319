using Obot.Shim.Bridge.Calls;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Transport;

/// <summary>Requests of the modern era: no sessions, one child per principal, and a disconnect is a cancellation.</summary>
internal sealed class ModernEndpoint(ChildPool pool, ServerProfile server, TimeProvider time)
{
    public async Task PostAsync(HttpContext context, string principal, IncomingMessage message, AcceptedTypes accepts, string? version)
    {
        var headers = context.Request.Headers;
        if (ModernHeaders.Check(message.Envelope, message.Body, version, Header(headers, McpHeaders.Method), Header(headers, McpHeaders.Name)) is { } refusal)
        {
            await Answers.WriteErrorAsync(context, 400, message.Id, refusal.Code, refusal.Message);
        }
        else if (message.Envelope.Kind == EnvelopeKind.Response)
        {
            await Answers.WriteErrorAsync(context, 400, [], McpErrorCodes.InvalidRequest, $"{McpVersions.Modern} has no responses from client to server");
        }
        else if (!server.IsModern)
        {
            await RefuseVersionAsync(context, message, version);
        }
        else if (message.Envelope.Kind == EnvelopeKind.Notification)
        {
            await SharedCalls.SendAsync(pool, principal, modern: true, c => c.NotifyAsync(message, context.RequestAborted), context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status202Accepted;
        }
        else
        {
            await CallAsync(context, principal, message, accepts);
        }
    }

    /// <summary>-32022, from which a client that speaks both eras learns which one to use.</summary>
    public Task RefuseVersionAsync(HttpContext context, IncomingMessage message, string? version) => Answers.WriteErrorAsync(
        context, 400, message.Envelope.Kind == EnvelopeKind.Request ? message.Id : [], McpErrorCodes.UnsupportedVersion,
        $"protocol version {version} is not supported by this server", JsonRpcError.Versions(server.Supported, version));

    private async Task CallAsync(HttpContext context, string principal, IncomingMessage message, AcceptedTypes accepts)
    {
        if (message.Envelope.Method is McpMethods.Listen && !accepts.EventStream)
        {
            throw new CallRefusedException(406, McpErrorCodes.InvalidRequest, "subscriptions/listen needs Accept: text/event-stream");
        }

        PendingCall call = null!;
        var connection = await SharedCalls.SendAsync(
            pool, principal, modern: true, async c => call = await SendAsync(context, c, message, accepts), context.RequestAborted);
        try
        {
            await Answers.WriteCallAsync(context, call, accepts, modern: true, time);
        }
        finally
        {
            // nothing when it was answered
            await connection.CancelAsync(call);
        }
    }

    private static async ValueTask<PendingCall> SendAsync(HttpContext context, SharedConnection connection, IncomingMessage message, AcceptedTypes accepts)
    {
        var headers = context.Request.Headers;
        if (message.Envelope.Method is McpMethods.ToolsCall
            && await connection.ToolHeaders.MismatchAsync(message, name => Header(headers, name), context.RequestAborted) is { } mismatch)
        {
            throw new CallRefusedException(400, McpErrorCodes.HeaderMismatch, mismatch);
        }

        return await connection.CallAsync(message, accepts.EventStream, context.RequestAborted);
    }

    private static string? Header(IHeaderDictionary headers, string name) => headers.TryGetValue(name, out var value) ? value.ToString() : null;
}
