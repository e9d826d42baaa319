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
        if (ModernHeaders.Mismatch(message.Envelope, message.Body, version, Header(headers, McpHeaders.Method), Header(headers, McpHeaders.Name)) is { } mismatch)
        {
            await Answers.WriteErrorAsync(context, 400, message.Id, McpErrorCodes.HeaderMismatch, mismatch);
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

        var (connection, call) = await SharedCalls.CallAsync(pool, principal, modern: true, message, accepts.EventStream, context.RequestAborted);
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

    private static string? Header(IHeaderDictionary headers, string name) => headers.TryGetValue(name, out var value) ? value.ToString() : null;
}
