using Obot.Shim.Bridge.Calls;
using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Transport;

/// <summary>Requests of the legacy era, with and without a session. A disconnect cancels nothing.</summary>
internal sealed class LegacyEndpoint(ChildPool pool, ServerProfile server, TimeProvider time)
{
    private const int SessionNotFound = -32001;

    public Task PostAsync(HttpContext context, string principal, IncomingMessage message, AcceptedTypes accepts) =>
        context.Request.Headers[McpHeaders.SessionId].ToString() is { Length: > 0 } sessionId
            ? PostToSessionAsync(context, pool.FindSession(sessionId, principal), message, accepts)
            : message.Envelope is { Kind: EnvelopeKind.Request, Method: McpMethods.Initialize }
                ? InitializeAsync(context, principal, message, accepts)
                : PostWithoutSessionAsync(context, principal, message, accepts);

    /// <summary>GET opens the session's stream, DELETE ends the session.</summary>
    public async Task StreamOrDeleteAsync(HttpContext context, string principal)
    {
        var sessionId = context.Request.Headers[McpHeaders.SessionId].ToString();
        if (McpVersions.IsModern(context.Request.Headers[McpHeaders.ProtocolVersion].ToString()))
        {
            context.Response.Headers.Allow = "POST";
            await Answers.WriteErrorAsync(context, 405, [], McpErrorCodes.InvalidRequest, $"{McpVersions.Modern} has neither GET nor DELETE");
        }
        else if (sessionId.Length == 0)
        {
            await Answers.WriteErrorAsync(context, 400, [], McpErrorCodes.InvalidRequest, $"{McpHeaders.SessionId} is missing");
        }
        else if (pool.FindSession(sessionId, principal) is not { } session)
        {
            await NotFoundAsync(context, []);
        }
        else if (HttpMethods.IsDelete(context.Request.Method))
        {
            pool.End(session, "the session was deleted");
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        else if (!AcceptedTypes.Read(context.Request.Headers.Accept).EventStream)
        {
            await Answers.WriteErrorAsync(context, 406, [], McpErrorCodes.InvalidRequest, "Accept must allow text/event-stream");
        }
        else
        {
            await StreamAsync(context, session);
        }
    }

    private async Task StreamAsync(HttpContext context, SessionConnection session)
    {
        var stream = session.OpenStream();
        try
        {
            context.Response.Headers[McpHeaders.SessionId] = session.SessionId;
            await Answers.WriteStreamAsync(context, stream, time);
        }
        finally
        {
            session.CloseStream(stream);
        }
    }

    private async Task InitializeAsync(HttpContext context, string principal, IncomingMessage message, AcceptedTypes accepts)
    {
        var session = pool.OpenSession(principal);
        var established = false;
        try
        {
            var call = await session.CallAsync(message, acceptsStream: false, context.RequestAborted);
            if (await call.Messages.TakeFinalAsync(context.RequestAborted) is not { } answer)
            {
                throw new ConnectionGoneException();
            }

            established = answer.ErrorCode is null;
            if (established)
            {
                context.Response.Headers[McpHeaders.SessionId] = session.SessionId;
            }

            call = new PendingCall { WireId = call.WireId, Id = call.Id, AcceptsStream = accepts.EventStream, Order = call.Order };
            call.Messages.Complete(answer);
            await Answers.WriteCallAsync(context, call, accepts, modern: false, time);
        }
        catch
        {
            // nobody knows the id of this session
            established = false;
            throw;
        }
        finally
        {
            if (!established)
            {
                pool.End(session, "the session was not established");
            }
        }
    }

    private async Task PostToSessionAsync(HttpContext context, SessionConnection? session, IncomingMessage message, AcceptedTypes accepts)
    {
        var id = message.Envelope.Kind == EnvelopeKind.Request ? message.Id : [];
        if (session is null)
        {
            await NotFoundAsync(context, id);
            return;
        }

        try
        {
            if (message.Envelope.Kind != EnvelopeKind.Request)
            {
                await session.NotifyAsync(message, context.RequestAborted);
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                return;
            }

            await AnswerAsync(context, session, await session.CallAsync(message, accepts.EventStream, context.RequestAborted), accepts);
        }
        catch (ConnectionGoneException)
        {
            await NotFoundAsync(context, id);
        }
    }

    private async Task PostWithoutSessionAsync(HttpContext context, string principal, IncomingMessage message, AcceptedTypes accepts)
    {
        try
        {
            if (message.Envelope.Kind == EnvelopeKind.Request)
            {
                var (connection, call) = await SharedCalls.CallAsync(pool, principal, modern: false, message, accepts.EventStream, context.RequestAborted);
                await AnswerAsync(context, connection, call, accepts);
                return;
            }

            // the bridge has done the handshake itself, and asks nobody anything that could be answered
            if (message.Envelope is { Kind: EnvelopeKind.Notification, Method: not McpMethods.Initialized })
            {
                await SharedCalls.SendAsync(pool, principal, modern: false, c => c.NotifyAsync(message, context.RequestAborted), context.RequestAborted);
            }

            context.Response.StatusCode = StatusCodes.Status202Accepted;
        }
        catch (ServerStartException e) when (server.IsModern && !context.Response.HasStarted)
        {
            await Answers.WriteErrorAsync(
                context, 400, message.Id, McpErrorCodes.UnsupportedVersion, e.Message, JsonRpcError.Versions(server.Supported, requested: null));
        }
    }

    private async Task AnswerAsync(HttpContext context, Connection connection, PendingCall call, AcceptedTypes accepts)
    {
        try
        {
            await Answers.WriteCallAsync(context, call, accepts, modern: false, time);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            connection.Detach(call);
            throw;
        }
    }

    private static Task NotFoundAsync(HttpContext context, byte[] id) =>
        Answers.WriteErrorAsync(context, 404, id, SessionNotFound, "Session not found");
}
