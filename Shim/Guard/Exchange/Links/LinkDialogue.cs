using Obot.Shim.Contracts.Exchange;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Forwarding;
using Obot.Shim.Guard.Sessions;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Exchange.Links;

/// <summary>
/// A call that its person has to do something for first. Where the client opens links, it is asked to, and the call goes on when that is done;
/// elsewhere it gets an error with the link in it.
/// </summary>
internal sealed class LinkDialogue(LinkQuestions questions, ModernLinks modern, LegacySessions sessions, UpstreamForwarder forwarder, Authorizer authorizer)
{
    /// <summary>The message as it goes on; null when it was for the guard.</summary>
    public async Task<byte[]?> ResumeAsync(GuardCall call, byte[] body)
    {
        if (questions.Takes(call, body))
        {
            call.Context.Response.StatusCode = StatusCodes.Status202Accepted;
            return null;
        }

        return await modern.ResumeAsync(call, body);
    }

    public async Task AskAsync(GuardCall call, byte[]? body, ExchangeRefusal refusal, string? deniedToken)
    {
        var opens = refusal is { Uri: not null, Error: ExchangeErrors.InteractionRequired or ExchangeErrors.ConfigurationRequired } && ClientLinks.Opens(call, body);
        var denied = LinkState.HashOf(deniedToken);
        if (!opens || body is null)
        {
            await CredentialAnswers.RefuseAsync(call, refusal);
        }
        else if (call.IsModern)
        {
            await (ModernLinks.MayAsk(call, body) ? modern.AskAsync(call, refusal, denied) : CredentialAnswers.RefuseAsync(call, refusal));
        }
        else if (call.Envelope.Method is McpMethods.Initialize && call.Hello is not null)
        {
            call.Context.Response.Headers[McpHeaders.SessionId] = sessions.Promise(call);
            await call.AnswerAsync(LinkMessages.Promise(call.Id, call.Hello, refusal.Uri!, refusal.Description));
        }
        else if (call.SessionIsPromised && call.Id.IsEmpty)
        {
            // nothing that the server would have to hear of; its own stream begins with the session
            call.Context.Response.StatusCode = HttpMethods.IsGet(call.Context.Request.Method) ? StatusCodes.Status405MethodNotAllowed : StatusCodes.Status202Accepted;
        }
        else if (MayAsk(call))
        {
            await AskSessionAsync(call, body, refusal, denied);
        }
        else
        {
            await CredentialAnswers.RefuseAsync(call, refusal, opensLinks: true);
        }
    }

    /// <summary>A session that was promised begins now. False when it cannot: the call is answered then.</summary>
    public async Task<bool> BeginAsync(GuardCall call)
    {
        if (HttpMethods.IsDelete(call.Context.Request.Method))
        {
            call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
            return false;
        }

        if (await sessions.BeginAgainAsync(call) is not { } session)
        {
            await LegacySessions.RefuseAsync(call);
            return false;
        }

        call.UpstreamSession = session;
        return true;
    }

    private bool MayAsk(GuardCall call) =>
        call is { Session: not null, Envelope.Kind: EnvelopeKind.Request, Envelope.Method: not (McpMethods.Ping or "logging/setLevel" or "completion/complete") }
        && call.Context.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase)
        && questions.MayAsk(call);

    private async Task AskSessionAsync(GuardCall call, byte[] body, ExchangeRefusal refusal, ulong denied)
    {
        call.Denial = null;
        var events = new EventAnswer(call.Context);
        await events.BeginAsync();
        if (await questions.AskAsync(call, events, refusal, denied) is not { } found)
        {
            call.MarkRefused();
            await events.WriteAsync(CredentialAnswers.Error(call, refusal, opensLinks: true));
            return;
        }

        // minutes later: what was allowed then need not be now
        await authorizer.AuthorizeAsync(call);
        if (call.Ended)
        {
            return;
        }

        call.Credentials = found.Credentials;
        if (call.SessionIsPromised)
        {
            call.UpstreamSession = await sessions.BeginAgainAsync(call);
        }

        if (call.UpstreamSession is not null)
        {
            await forwarder.ForwardAsync(call, events, body);
        }

        if (call.UpstreamSession is null || call.Denial is not null)
        {
            call.MarkRefused();
            await events.WriteAsync(JsonRpcError.Write(call.Id.Span, McpErrorCodes.Refused, "the server does not take the call, although it got the credentials that the platform has for you: ask whoever runs it"));
        }
    }
}
