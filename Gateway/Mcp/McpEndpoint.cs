using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Obot.Gateway.Authentication;
using Obot.Gateway.OAuth;
using Obot.Gateway.Limits;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Gateway.Mcp;

/// <summary>
/// <c>/mcp-connect/{serverId}</c>: authenticate, find the instance, make sure that it runs, forward. It authorizes nothing and looks
/// into no message; that is the guard's business.
/// </summary>
internal sealed class McpEndpoint(
    CallerAuthenticator callers,
    IServerDirectory directory,
    IServerAccess access,
    RouteTable routes,
    GuardForwarder forwarder,
    ParkedStream parked,
    IAssertionIssuer assertions,
    ProtectedResources resources,
    UserRates rates,
    TimeProvider time,
    IOptions<GatewayOptions> options)
{
    private const int Attempts = 3;
    private const int IdWithin = 64 * 1024;

    public const string Prefix = "/mcp-connect";

    public async Task HandleAsync(HttpContext context, string serverId)
    {
        var aborted = context.RequestAborted;
        if (await callers.FindAsync(context, aborted) is not { } verdict)
        {
            resources.ChallengeServer(context.Response, serverId, presented: context.Request.Headers.Authorization.Count > 0);
            await McpError.RefuseAsync(context, StatusCodes.Status401Unauthorized, "Sign in first: clients that speak OAuth follow the challenge, others send an API key as 'Authorization: Bearer …'. What came is missing, unknown, expired, revoked, or for another server.");
            return;
        }

        context.Features.Set(verdict);
        if (verdict.Principal.ClientId is not null && !verdict.Principal.Reaches(serverId))
        {
            // a token has one audience (RFC 8707): for whom it was not made, it is no token
            resources.ChallengeServer(context.Response, serverId, presented: true);
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "This token was issued for another server. Get one for this server.");
            return;
        }

        if (!verdict.Principal.Has(Scopes.Mcp) || !verdict.Principal.Reaches(serverId))
        {
            resources.ChallengeScope(context.Response, serverId);
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "This credential is not good for this server: it lacks the scope 'mcp', or names other servers.");
            return;
        }

        if (HttpMethods.IsPost(context.Request.Method) && await rates.TakeAsync(verdict.Principal.UserId) is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, "You make more requests a second than a user may make to all servers together (Obot:Limits:RequestsPerSecondPerUser).");
            return;
        }

        if (!verdict.Load.TryEnter(options.Value.MaxOpenPerUser))
        {
            context.Response.Headers.RetryAfter = "1";
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, $"You have {options.Value.MaxOpenPerUser} requests and streams open: close some first (Obot:Gateway:MaxOpenPerUser).");
            return;
        }

        try
        {
            await RouteAsync(context, verdict, serverId, aborted);
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            // the client went away; nobody is there to be told
        }
        finally
        {
            verdict.Load.Leave();
        }
    }

    /// <summary>A refusal before the message was read: it is read now, as far as its id may be.</summary>
    private static async Task RefuseAsync(HttpContext context, int status, string message)
    {
        using var body = new ReplayBody(IdWithin);
        try
        {
            await body.ReadAsync(context.Request, context.RequestAborted);
        }
        catch (BadHttpRequestException)
        {
            // the refusal stands; its id is what came so far
        }

        await McpError.RefuseAsync(context, status, message, body.Start);
    }

    private static Task RefuseStaleAsync(HttpContext context, ReadOnlyMemory<byte> body)
    {
        context.Response.Headers.RetryAfter = "5";
        return McpError.RefuseAsync(
            context,
            StatusCodes.Status503ServiceUnavailable,
            "The server's guard has not heard from the cluster for too long and does not know whether you may still call (Obot:Security:MaxStaleness). It goes on as soon as it hears: try again.",
            body);
    }

    internal async Task RouteAsync(HttpContext context, Verdict verdict, string serverId, CancellationToken aborted)
    {
        if (await directory.Find(serverId, aborted) is not { } entry)
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, $"There is no MCP server '{serverId}' here. It may have been removed, or the URL is mistyped.");
            return;
        }

        var instance = entry.InstanceFor(verdict.Principal.UserId);
        if (HttpMethods.IsPost(context.Request.Method))
        {
            // the guard would refuse, too; but nobody wakes a server, or makes an instance of it, only to be refused
            if (routes.Find(instance) is null && !(await access.Of(entry, aborted)).MayConcern(verdict.Principal))
            {
                await RefuseAsync(context, StatusCodes.Status403Forbidden, $"you may not call '{instance}': ask its owner or an administrator for access");
                return;
            }

            await PostAsync(context, verdict, instance, aborted);
        }
        else if (routes.Find(instance) is { } route && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsDelete(context.Request.Method)))
        {
            var outcome = await forwarder.SendAsync(context, route, verdict.AssertionFor(instance, assertions, time.GetUtcNow()));
            if (outcome is ForwardOutcome.TargetStale)
            {
                await RefuseStaleAsync(context, default);
            }
            else if (outcome is ForwardOutcome.TargetGone)
            {
                await McpError.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "The server was stopped. The next call starts it again.");
            }
        }
        else if (HttpMethods.IsGet(context.Request.Method) && context.Request.Headers.ContainsKey(McpHeaders.SessionId))
        {
            await parked.ServeAsync(context, instance, verdict, aborted);
        }
        else if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsDelete(context.Request.Method))
        {
            context.Response.Headers.Allow = "POST, GET, DELETE";
            await McpError.RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "MCP is spoken by POST, GET and DELETE.");
        }
        else
        {
            // neither an idle stream nor the end of a session wakes a server
            var status = HttpMethods.IsDelete(context.Request.Method) ? StatusCodes.Status404NotFound : StatusCodes.Status405MethodNotAllowed;
            await McpError.RefuseAsync(context, status, "The server sleeps and has no such session; a POST wakes it.");
        }
    }

    private async Task PostAsync(HttpContext context, Verdict verdict, McpInstanceId instance, CancellationToken aborted)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = options.Value.MaxRequestBodyBytes;
        }

        using var body = new ReplayBody(options.Value.MaxReplayBytes);
        try
        {
            await body.ReadAsync(context.Request, aborted);
        }
        catch (BadHttpRequestException e)
        {
            var text = e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? $"The request is larger than {options.Value.MaxRequestBodyBytes} bytes (Obot:Gateway:MaxRequestBodyBytes)."
                : e.Message;
            await McpError.WriteAsync(context, e.StatusCode, McpErrorCodes.InvalidRequest, text);
            return;
        }

        var failed = 0L;
        for (var attempt = 1; ; attempt++)
        {
            ServerRoute route;
            try
            {
                route = failed == 0 && routes.Find(instance) is { } known ? known : await routes.EnsureAsync(instance, failed, aborted);
            }
            catch (TimeoutException e)
            {
                await McpError.RefuseAsync(context, StatusCodes.Status504GatewayTimeout, e.Message, body.Start);
                return;
            }

            if (route.Status is not DeploymentStatus.Running)
            {
                if (route.RetryAt is { } retryAt)
                {
                    context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling((retryAt - time.GetUtcNow()).TotalSeconds)).ToString(CultureInfo.InvariantCulture);
                }

                await McpError.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, $"The server could not be started: {route.Reason}", body.Start);
                return;
            }

            body.Attach(context.Request);
            var outcome = await forwarder.SendAsync(context, route, verdict.AssertionFor(instance, assertions, time.GetUtcNow()));
            if (outcome is ForwardOutcome.Answered)
            {
                return;
            }

            if (outcome is ForwardOutcome.TooLarge)
            {
                await McpError.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, McpErrorCodes.InvalidRequest, $"The request is larger than {options.Value.MaxRequestBodyBytes} bytes (Obot:Gateway:MaxRequestBodyBytes).", body.Start);
                return;
            }

            if (outcome is ForwardOutcome.TimedOut)
            {
                await McpError.RefuseAsync(context, StatusCodes.Status504GatewayTimeout, $"The server was silent for {options.Value.CallTimeout.TotalSeconds:0} s.", body.Start);
                return;
            }

            if (outcome is ForwardOutcome.TargetStale)
            {
                // a guard whose silo is gone never hears again; one whose silo lives does, and must not be restarted for that
                if (attempt < Attempts && body.CanReplay && await routes.AskAgainAsync(instance, aborted) is { } now && now.Generation > route.Generation)
                {
                    continue;
                }

                await RefuseStaleAsync(context, body.Start);
                return;
            }

            failed = route.Generation;
            if (attempt == Attempts || !body.CanReplay || context.Response.HasStarted)
            {
                await McpError.RefuseAsync(context, StatusCodes.Status502BadGateway, "The server broke down before it answered. It is being restarted: try again.", body.Start);
                return;
            }
        }
    }
}
