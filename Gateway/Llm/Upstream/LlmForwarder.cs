using System.Net;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Llm.Answers;
using Obot.Grains.Abstractions.Llm;
using Yarp.ReverseProxy.Forwarder;

namespace Obot.Gateway.Llm.Upstream;

internal enum AttemptOutcome
{
    /// <summary>The provider's answer went to the client, good or bad, whole or until one of them went away.</summary>
    Answered,

    /// <summary>Nothing went to the client: another target may be asked.</summary>
    Failed,
}

/// <summary>What one attempt is, and how it went.</summary>
internal sealed class Attempt(LlmCall call, LlmTarget target, Uri url, IReadOnlyList<KeyValuePair<string, string>> headers, bool isLast, CancellationTokenSource firstToken, TimeProvider time)
{
    public TimeProvider Time { get; } = time;

    public LlmCall Call { get; } = call;

    public LlmTarget Target { get; } = target;

    public Uri Url { get; } = url;

    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; } = headers;

    /// <summary>What is sent.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>There is nobody else to ask: whatever is answered goes to the client.</summary>
    public bool IsLast { get; } = isLast;

    /// <summary>Ends the wait for the first byte.</summary>
    public CancellationTokenSource FirstToken { get; } = firstToken;

    /// <summary>What is told where there is nobody else to ask.</summary>
    public LlmError? Fault { get; set; }

    /// <summary>Whether the fault counts against the provider's circuit.</summary>
    public bool IsProvidersFault { get; set; }

    /// <summary>The target speaks another vendor's dialect: headers of the caller's vendor mean nothing there.</summary>
    public bool IsTranslated { get; init; }

    /// <summary>Looks at the whole answer before the client gets it; null where nobody has to.</summary>
    public Func<ReadOnlyMemory<byte>, ValueTask<byte[]?>>? Check { get; init; }

    /// <summary>Who makes a filter for a good answer.</summary>
    public required Func<HttpResponseMessage, AnswerFilter> FilterFor { get; init; }
}

/// <summary>Sends a call to one target: streaming, with the platform's credential in place of the caller's.</summary>
internal sealed class LlmForwarder(IHttpForwarder forwarder) : IDisposable
{
    private static readonly Transformer Transform = new();

    /// <summary>Time limits are the providers' own: <see cref="AnswerStream"/>.</summary>
    private static readonly ForwarderRequestConfig Config = new() { ActivityTimeout = TimeSpan.FromDays(1), Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };

    private static readonly HttpRequestOptionsKey<ReadOnlyMemory<byte>> Whole = new("obot.llm.body");

    private readonly HttpMessageInvoker client = new(new WholeRequests(new SocketsHttpHandler
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        EnableMultipleHttp2Connections = true,
    }));

    public async Task<AttemptOutcome> SendAsync(Attempt attempt)
    {
        var context = attempt.Call.Context;
        context.Features.Set(attempt);
        var error = await forwarder.SendAsync(context, attempt.Url.GetLeftPart(UriPartial.Authority), client, Config, Transform, attempt.FirstToken.Token);
        if (attempt.Fault is null && error is not ForwarderError.None && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            attempt.IsProvidersFault = true;
            attempt.Fault = attempt.FirstToken.IsCancellationRequested ? Silent(attempt.Target.Provider) : Unreachable(context, attempt.Target.Provider);
        }

        if (attempt.Fault is null || context.Response.HasStarted)
        {
            return AttemptOutcome.Answered;
        }

        context.Response.Clear();
        context.Features.Set<IForwarderErrorFeature>(null);
        return AttemptOutcome.Failed;
    }

    public void Dispose() => client.Dispose();

    /// <summary>What a provider must not see, taken away before the forwarder copies what is left.</summary>
    public static void RemovePrivate(IHeaderDictionary headers)
    {
        headers.Authorization = default;
        headers.Cookie = default;
        headers.Origin = default;

        // usage is read in passing, which compressed answers do not allow
        headers.AcceptEncoding = default;
        List<string>? others = null;
        foreach (var (name, _) in headers)
        {
            if (name.Equals("x-api-key", StringComparison.OrdinalIgnoreCase) || name.Equals("api-key", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("Obot-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("OpenAI-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("X-Goog-", StringComparison.OrdinalIgnoreCase) || name.Equals("Forwarded", StringComparison.OrdinalIgnoreCase))
            {
                (others ??= []).Add(name);
            }
        }

        others?.ForEach(name => headers.Remove(name));
    }

    private static LlmError Silent(LlmProvider provider) => new(
        StatusCodes.Status504GatewayTimeout, "provider_timeout", $"Provider '{provider.Id}' did not begin to answer within {provider.FirstToken.TotalSeconds:0.#} s.");

    private static LlmError Unreachable(HttpContext context, LlmProvider provider)
    {
        var cause = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        return new(StatusCodes.Status502BadGateway, "provider_unreachable", $"Provider '{provider.Id}' cannot be reached: {(cause?.InnerException ?? cause)?.Message ?? "no answer"}");
    }

    /// <summary>Statuses after which another attempt, or another provider, may do better.</summary>
    private static bool IsPassing(HttpStatusCode status) => (int)status is 408 or 429 or 500 or 502 or 503 or 504 or 529;

    /// <summary>All of a request is here already: headers and body leave in one write, which the forwarder's stream of a body would make two.</summary>
    private sealed class WholeRequests(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Options.TryGetValue(Whole, out var body))
            {
                var content = new ReadOnlyMemoryContent(body);
                if (request.Content is { } streamed)
                {
                    foreach (var (name, values) in streamed.Headers.NonValidated)
                    {
                        if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                        {
                            content.Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values);
                        }
                    }
                }

                request.Content = content;
            }

            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class Transformer : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            var attempt = httpContext.Features.Get<Attempt>()!;
            proxyRequest.RequestUri = attempt.Url;
            proxyRequest.Options.Set(Whole, attempt.Body);
            proxyRequest.Headers.Host = null;
            if (attempt.IsTranslated)
            {
                foreach (var name in proxyRequest.Headers.Select(header => header.Key).Where(name => name.StartsWith("anthropic-", StringComparison.OrdinalIgnoreCase)).ToArray())
                {
                    proxyRequest.Headers.Remove(name);
                }
            }

            foreach (var (name, value) in attempt.Headers)
            {
                if (!name.Equals("anthropic-version", StringComparison.OrdinalIgnoreCase) || !proxyRequest.Headers.Contains(name))
                {
                    proxyRequest.Headers.Remove(name);
                    proxyRequest.Headers.TryAddWithoutValidation(name, value);
                }
            }
        }

        public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            var attempt = httpContext.Features.Get<Attempt>()!;
            if (proxyResponse is null)
            {
                return false;
            }

            var provider = attempt.Target.Provider;
            if (!proxyResponse.IsSuccessStatusCode)
            {
                var passes = IsPassing(proxyResponse.StatusCode);
                attempt.IsProvidersFault = passes && proxyResponse.StatusCode is not HttpStatusCode.TooManyRequests;
                if (proxyResponse.StatusCode is HttpStatusCode.Unauthorized)
                {
                    // what it says is about our credential, and none of the caller's business
                    attempt.IsProvidersFault = true;
                    attempt.Fault = new(StatusCodes.Status502BadGateway, "provider_refused", $"Provider '{provider.Id}' refused the platform's credential. An administrator has to renew it.");
                    return false;
                }

                if (passes && !attempt.IsLast)
                {
                    attempt.Fault = new(StatusCodes.Status502BadGateway, "provider_failed", $"Provider '{provider.Id}' answered {(int)proxyResponse.StatusCode}.");
                    return false;
                }
            }

            var answer = new AnswerStream(
                await proxyResponse.Content.ReadAsStreamAsync(cancellationToken), attempt.FilterFor(proxyResponse), provider, attempt.Call.Sample, attempt.Call.StartedAt, attempt.Time, httpContext.RequestAborted)
            {
                Announced = proxyResponse.Content.Headers.ContentLength,
                Ending = attempt.Call.End,
                Check = proxyResponse.IsSuccessStatusCode ? attempt.Check : null,
                Copy = proxyResponse.IsSuccessStatusCode ? attempt.Call.Copy : null,
            };
            if (!await answer.PrimeAsync(attempt.FirstToken.Token))
            {
                await answer.DisposeAsync();
                if (!httpContext.RequestAborted.IsCancellationRequested)
                {
                    attempt.IsProvidersFault = true;
                    attempt.Fault = answer.End is AnswerEnd.TimedOut
                        ? Silent(provider)
                        : new(StatusCodes.Status502BadGateway, "provider_broke_off", $"Provider '{provider.Id}' broke off before it answered.");
                }

                return false;
            }

            attempt.FirstToken.CancelAfter(Timeout.InfiniteTimeSpan);
            await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
            Adapt(httpContext.Response.Headers, attempt.Call.Filter!, answer.Check is not null);
            attempt.Call.Answer = answer;
            proxyResponse.Content = new AnswerContent(answer);
            return true;
        }

        private static void Adapt(IHeaderDictionary headers, AnswerFilter filter, bool isHeld)
        {
            headers.SetCookie = default;
            headers.Remove("openai-organization");
            headers.Remove("openai-project");
            headers.Remove("anthropic-organization-id");
            if (!filter.IsTransparent || isHeld)
            {
                headers.ContentLength = null;
            }
        }
    }
}
