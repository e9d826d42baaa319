using System.Net;
using Microsoft.Net.Http.Headers;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Exchange;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.EraBridge;
using Obot.Shim.Guard.Lists;
using Obot.Shim.Guard.Sessions;
using Yarp.ReverseProxy.Forwarder;

namespace Obot.Shim.Guard.Forwarding;

/// <summary>Sends a call to its server, byte for byte both ways, with our credential in place of the caller's and none of the server's leaking back.</summary>
internal sealed class UpstreamForwarder(Upstream upstream, LegacySessions sessions, IServiceProvider services, GuardLimits limits, EraTranslator? eras = null) : IDisposable
{
    private readonly IHttpForwarder forwarder = services.GetRequiredService<IHttpForwarder>();
    private readonly Transformer transformer = new(upstream, sessions, limits);
    private readonly ForwarderRequestConfig config = new()
    {
        ActivityTimeout = TimeSpan.FromSeconds(limits.CallTimeoutSeconds), Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
    };

    /// <summary>Finds the server's session for the client's.</summary>
    public Task OpenSessionAsync(GuardCall call) => sessions.OpenAsync(call);

    public async Task ForwardAsync(GuardCall call)
    {
        var context = call.Context;
        if (eras is not null && await eras.TryForwardAsync(call))
        {
            return;
        }

        context.Features.Set(call);
        var error = await forwarder.SendAsync(context, upstream.Origin, upstream.Client, config, transformer, context.RequestAborted);
        if (call.SessionIsLost && !context.Response.HasStarted)
        {
            error = await AgainAsync(call);
        }

        if (call.Ended)
        {
            return;
        }

        if (call.Denial is not null)
        {
            // what becomes of it is decided by who gave the call its credentials
            context.Response.Clear();
            return;
        }

        if (call.Unfiltered is { } reason)
        {
            await RefuseUnfilteredAsync(call, reason);
            return;
        }

        if (error is ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        var status = context.Response.StatusCode;
        context.Response.Clear();
        if (error is ForwarderError.RequestTimedOut)
        {
            await call.RefuseAsync(StatusCodes.Status504GatewayTimeout, McpErrorCodes.Refused, $"the server was silent for {limits.CallTimeoutSeconds} s");
        }
        else if (status is StatusCodes.Status413PayloadTooLarge)
        {
            await call.RefuseAsync(status, McpErrorCodes.InvalidRequest, $"the request is larger than {limits.MaxRequestBodyBytes} bytes");
        }
        else if (upstream.IsHosted)
        {
            GuardAnswers.TellRetry(context, ObotHeaders.Retry.UpstreamGone);
        }
        else
        {
            await call.RefuseAsync(StatusCodes.Status502BadGateway, McpErrorCodes.Refused, $"the server at {upstream.Endpoint.Authority} cannot be reached");
        }
    }

    /// <summary>A call of a legacy session whose answer has begun: what the server answers goes on as events.</summary>
    public Task ForwardAsync(GuardCall call, EventAnswer events, byte[] body) => StreamedForward.SendAsync(upstream, sessions, limits, call, events, body);

    public void Dispose() => upstream.Dispose();

    /// <summary>The server died or forgot: the session is begun again, and what could be kept of the request is sent once more.</summary>
    private async Task<ForwarderError> AgainAsync(GuardCall call)
    {
        var context = call.Context;
        context.Response.Clear();
        context.Features.Set<IForwarderErrorFeature>(null);
        var isPost = HttpMethods.IsPost(context.Request.Method);

        // what filters changed is not what was kept
        if (HttpMethods.IsDelete(context.Request.Method) || (isPost && (call.Replay.IsEmpty || call.Filters is not null)) || await sessions.BeginAgainAsync(call) is not { } session)
        {
            await LegacySessions.RefuseAsync(call);
            return ForwarderError.None;
        }

        call.UpstreamSession = session;
        if (isPost)
        {
            context.Request.Body = new MemoryStream(call.Replay.ToArray(), writable: false);
        }

        return await forwarder.SendAsync(context, upstream.Origin, upstream.Client, config, transformer, context.RequestAborted);
    }

    private static async Task RefuseUnfilteredAsync(GuardCall call, string reason)
    {
        call.MarkRefused();
        if (!call.Context.Response.HasStarted)
        {
            call.Context.Response.Clear();
            await call.RefuseAsync(StatusCodes.Status502BadGateway, McpErrorCodes.Refused, $"the server's answer cannot be shown to you, because {(call.Answers is null ? "you may see some of its tools only" : "filters have to look at it")}: {reason}");
        }
    }

    /// <summary>For what the guard sends within a call.</summary>
    public static void Inject(System.Net.Http.Headers.HttpRequestHeaders headers, InjectedCredentials credentials) => Transformer.Inject(headers, credentials);

    private sealed class Transformer(Upstream upstream, LegacySessions sessions, GuardLimits limits) : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            var call = httpContext.Features.Get<GuardCall>()!;
            var assertion = upstream.IsComposite ? httpContext.Request.Headers[ObotHeaders.Assertion].ToString() : null;
            Exchange(httpContext.Request.Headers, call);
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.RequestUri = upstream.Endpoint;
            var headers = proxyRequest.Headers;
            headers.Host = null;

            if (call.Credentials is { } credentials)
            {
                Inject(headers, credentials);
            }

            if (assertion is not null)
            {
                headers.TryAddWithoutValidation(ObotHeaders.Assertion, assertion);
                headers.TryAddWithoutValidation(ObotHeaders.Principal, call.Caller!.PrincipalKey);
            }

            if (upstream.Secret is { } secret)
            {
                headers.TryAddWithoutValidation(ObotHeaders.BridgeSecret, secret);
                headers.TryAddWithoutValidation(ObotHeaders.Principal, call.Caller!.PrincipalKey);
            }
        }

        public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            var call = httpContext.Features.Get<GuardCall>()!;
            if (proxyResponse?.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                call.Denial = new((int)proxyResponse.StatusCode, Challenge(proxyResponse));
                return false;
            }

            // in the legacy era 404 means the session (streamable HTTP, "Session Management")
            if (proxyResponse?.StatusCode is HttpStatusCode.NotFound && !call.SessionIsLost && call.Session is not null && sessions.CanRecover(call))
            {
                call.SessionIsLost = true;
                return false;
            }

            var copied = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
            var headers = httpContext.Response.Headers;
            List<string>? leaked = null;
            foreach (var (name, _) in headers)
            {
                if (IsPrivate(name))
                {
                    (leaked ??= []).Add(name);
                }
            }

            leaked?.ForEach(name => headers.Remove(name));

            if (headers.TryGetValue(McpHeaders.SessionId, out var session) && session.Count == 1)
            {
                headers[McpHeaders.SessionId] = sessions.Show(call, session[0]!);
            }

            if (call.IsScreened && proxyResponse is not null)
            {
                await FilteredAnswer.WriteAsync(call, proxyResponse, limits, message => ServerReply.SendAsync(upstream, call, message, httpContext.RequestAborted));
                return false;
            }

            return copied;
        }

        /// <summary>In place of whatever the client sent under the same names.</summary>
        public static void Inject(System.Net.Http.Headers.HttpRequestHeaders headers, InjectedCredentials credentials)
        {
            foreach (var (name, value) in credentials.Headers)
            {
                headers.Remove(name);
                headers.TryAddWithoutValidation(name, value);
            }

            if (credentials.Token is { } token)
            {
                headers.Authorization = new("Bearer", token);
            }
        }

        private static string? Challenge(HttpResponseMessage response) =>
            response.Headers.TryGetValues(HeaderNames.WWWAuthenticate, out var values) && string.Join(", ", values) is { Length: <= 8192 } challenge ? challenge : null;

        /// <summary>What is between the gateway and us, and what is the server's own, before the rest is copied.</summary>
        private static void Exchange(IHeaderDictionary headers, GuardCall call)
        {
            headers.Remove(ObotHeaders.Assertion);
            headers.Remove(ObotHeaders.ClientIp);
            headers.Remove(ObotHeaders.CallId);
            headers.Remove(ObotHeaders.Instance);
            headers.Authorization = default;
            headers.Cookie = default;

            // what was judged is the method of the request, whatever some framework behind us takes for it
            headers.Remove("X-HTTP-Method-Override");
            headers.Remove("X-HTTP-Method");
            headers.Remove("X-Method-Override");
            if (call.IsScreened || call.Capture is not null)
            {
                // what comes back has to be read: by the record, by filters, and where tools are taken out of it
                headers.AcceptEncoding = default;
            }

            if (call.UpstreamSession is { Length: > 0 } session)
            {
                headers[McpHeaders.SessionId] = session;
            }
            else if (call.UpstreamSession is not null)
            {
                headers.Remove(McpHeaders.SessionId);
            }
        }

        /// <summary>What a server says to its own clients and not to ours.</summary>
        private static bool IsPrivate(string name) =>
            name.Equals(HeaderNames.SetCookie, StringComparison.OrdinalIgnoreCase)
            || name.Equals(HeaderNames.WWWAuthenticate, StringComparison.OrdinalIgnoreCase)
            || name.Equals(HeaderNames.Server, StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith(ObotHeaders.Prefix, StringComparison.OrdinalIgnoreCase);
    }
}
