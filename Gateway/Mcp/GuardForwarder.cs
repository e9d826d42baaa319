using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Obot.Gateway.Audit;
using Obot.Grains.Abstractions.Hosting;
using Obot.Shim.Contracts.Protocol;
using Yarp.ReverseProxy.Forwarder;

namespace Obot.Gateway.Mcp;

internal enum ForwardOutcome
{
    /// <summary>The guard's answer went to the client, whole or until one of them went away.</summary>
    Answered,

    /// <summary>Nothing was answered and nothing was done: the guard could not be reached, drains, or lost its server.</summary>
    TargetGone,

    /// <summary>Nothing was done: the guard has not heard from the cluster for too long. A newer generation may be elsewhere.</summary>
    TargetStale,

    TimedOut,

    TooLarge,
}

/// <summary>Sends a request to its guard: streaming both ways, with the caller's credential replaced by the assertion.</summary>
internal sealed class GuardForwarder(IHttpForwarder forwarder, IOptions<GatewayOptions> options) : IDisposable
{
    private static readonly Transformer Transform = new();

    private readonly ConcurrentDictionary<string, Uri> endpoints = new(StringComparer.Ordinal);
    private readonly ForwarderRequestConfig config = new() { ActivityTimeout = options.Value.CallTimeout, Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    /// <summary>Connections to guards.</summary>
    public HttpMessageInvoker Client { get; } = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
    });

    public Uri EndpointOf(ServerRoute route) => endpoints.GetOrAdd(route.GuardUrl!, static url => new(url + "/mcp"));

    public async Task<ForwardOutcome> SendAsync(HttpContext context, ServerRoute route, string assertion)
    {
        var call = new ForwardedCall(EndpointOf(route), route.Instance, assertion);
        context.Features.Set(call);
        RemovePrivate(context.Request.Headers);
        var error = await forwarder.SendAsync(context, route.GuardUrl!, Client, config, Transform, context.RequestAborted);
        if (call.Retry is { } reason)
        {
            Reset(context);
            return reason == ObotHeaders.Retry.Stale ? ForwardOutcome.TargetStale : ForwardOutcome.TargetGone;
        }

        if (error is ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
        {
            return ForwardOutcome.Answered;
        }

        var status = context.Response.StatusCode;
        Reset(context);
        return error switch
        {
            ForwarderError.RequestTimedOut => ForwardOutcome.TimedOut,
            _ when status == StatusCodes.Status413PayloadTooLarge => ForwardOutcome.TooLarge,
            _ => ForwardOutcome.TargetGone,
        };
    }

    public void Dispose() => Client.Dispose();

    /// <summary>
    /// What a guard must not see or must not believe. Taken away before the forwarder copies what is left; a second attempt needs none of it.
    /// </summary>
    private static void RemovePrivate(IHeaderDictionary headers)
    {
        headers.Authorization = default;
        headers.Cookie = default;
        headers.Origin = default;
        List<string>? claimed = null;
        foreach (var (name, _) in headers)
        {
            if (name.StartsWith(ObotHeaders.Prefix, StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase) || name.Equals("Forwarded", StringComparison.OrdinalIgnoreCase))
            {
                (claimed ??= []).Add(name);
            }
        }

        claimed?.ForEach(name => headers.Remove(name));
    }

    private static void Reset(HttpContext context)
    {
        context.Response.Clear();
        context.Features.Set<IForwarderErrorFeature>(null);
    }

    private sealed class ForwardedCall(Uri endpoint, string instance, string assertion)
    {
        public Uri Endpoint { get; } = endpoint;

        public string Instance { get; } = instance;

        public string Assertion { get; } = assertion;

        public string? Retry { get; set; }
    }

    private sealed class Transformer : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            var call = httpContext.Features.Get<ForwardedCall>()!;
            proxyRequest.RequestUri = call.Endpoint;
            var headers = proxyRequest.Headers;
            headers.Host = null;
            headers.TryAddWithoutValidation(ObotHeaders.Instance, call.Instance);
            headers.TryAddWithoutValidation(ObotHeaders.Assertion, call.Assertion);
            if (httpContext.Features.Get<AuditedRequest>() is { } audited)
            {
                headers.TryAddWithoutValidation(ObotHeaders.CallId, audited.Text);
            }

            if (ClientAddress.Of(httpContext) is { } address)
            {
                headers.TryAddWithoutValidation(ObotHeaders.ClientIp, address);
            }
        }

        public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            if (proxyResponse?.StatusCode is HttpStatusCode.ServiceUnavailable && proxyResponse.Headers.TryGetValues(ObotHeaders.RetryReason, out var reasons))
            {
                httpContext.Features.Get<ForwardedCall>()!.Retry = reasons.First();
                return new(false);
            }

            return base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        }
    }
}
