using System.Buffers;
using Obot.Shim.Contracts.Exchange;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Exchange.Links;
using Obot.Shim.Guard.Forwarding;

namespace Obot.Shim.Guard.Exchange;

/// <summary>
/// Puts the caller's credentials for the server into the call: exchanged once and kept, exchanged again when the server does not take them.
/// What the server says of credentials never reaches the client; what the client can do about it does.
/// </summary>
/// <param name="cache">Null for a server that gets none: it stands beside this guard and its configuration is its own.</param>
/// <param name="links">What becomes of calls whose person has to do something first; there with <paramref name="cache"/>.</param>
internal sealed class UpstreamCredentials(ExchangedCredentials? cache, UpstreamForwarder forwarder, LinkDialogue? links = null)
{
    /// <summary>Larger calls are not repeated when the server denies them.</summary>
    private const int MaxRepeated = 1024 * 1024;

    /// <summary>Of all calls in hand in this process; beyond it calls go through, and are not repeated.</summary>
    private const long MaxKept = 64L * 1024 * 1024;

    private static long kept;

    public async Task ForwardAsync(GuardCall call)
    {
        if (cache is null || links is null)
        {
            await forwarder.ForwardAsync(call);
            if (call.Denial is not null)
            {
                await call.RefuseAsync(StatusCodes.Status502BadGateway, McpErrorCodes.Refused, "the server refuses the platform's credentials: an administrator has to configure it");
            }

            return;
        }

        var body = await KeepAsync(call.Context);
        var length = body?.Length ?? 0;
        try
        {
            await ForwardAsync(call, cache, links, body);
        }
        finally
        {
            Interlocked.Add(ref kept, -length);
        }
    }

    private async Task ForwardAsync(GuardCall call, ExchangedCredentials cache, LinkDialogue links, byte[]? body)
    {
        var (context, caller, assertion) = (call.Context, call.Caller!, call.Assertion);
        if (body is { } message)
        {
            body = await links.ResumeAsync(call, message);
            if (body is null)
            {
                return;
            }
        }

        var exchanged = await cache.FindAsync(caller, assertion, context.RequestAborted);
        if (exchanged.Refusal is { } missing)
        {
            await links.AskAsync(call, body, missing, deniedToken: null);
            return;
        }

        call.Credentials = exchanged.Credentials;
        if (call.SessionIsPromised && !await links.BeginAsync(call))
        {
            return;
        }

        await forwarder.ForwardAsync(call);
        if (call.Denial is not { } denial)
        {
            return;
        }

        var again = await cache.AgainAsync(caller, assertion, denial, exchanged.Credentials?.Token, context.RequestAborted);
        if (again.Refusal is null && body is not null && again.Credentials?.Token is { } token && token != exchanged.Credentials?.Token)
        {
            (call.Denial, call.Credentials) = (null, again.Credentials);
            context.Request.Body = new MemoryStream(body, writable: false);
            await forwarder.ForwardAsync(call);
            if (call.Denial is null)
            {
                return;
            }
        }

        await links.AskAsync(call, body, again.Refusal ?? Denied(denial, body), call.Credentials?.Token);
    }

    private static ExchangeRefusal Denied(UpstreamDenial denial, byte[]? body) => new(
        ExchangeErrors.AccessDenied,
        body is null
            ? $"the server answered {denial.Status} and the call could not be kept (it is too large, or too many are in hand) to be repeated with a new token: send it again"
            : $"the server denies access (HTTP {denial.Status}) although it got the credentials that the platform has for you: ask whoever runs it",
        null);

    /// <summary>The body for a second time; null when it is too large, or too much is kept already. What is forwarded first is the same.</summary>
    private static async Task<byte[]?> KeepAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            return [];
        }

        if (context.Request.ContentLength > MaxRepeated)
        {
            return null;
        }

        // CallReader has read it to its end and left it in the buffer
        var reader = context.Request.BodyReader;
        var read = await reader.ReadAsync(context.RequestAborted);
        while (!read.IsCompleted && read.Buffer.Length <= MaxRepeated)
        {
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await reader.ReadAsync(context.RequestAborted);
        }

        var body = read.Buffer.Length <= MaxRepeated && Reserve(read.Buffer.Length) ? read.Buffer.ToArray() : null;
        reader.AdvanceTo(body is null ? read.Buffer.Start : read.Buffer.End);
        if (body is not null)
        {
            context.Request.Body = new MemoryStream(body, writable: false);
        }

        return body;
    }

    private static bool Reserve(long length)
    {
        if (Interlocked.Add(ref kept, length) <= MaxKept)
        {
            return true;
        }

        Interlocked.Add(ref kept, -length);
        return false;
    }
}
