using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Requests;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Upstream;

/// <summary>Asks one target after another until the first byte of an answer; from then on it is that one's call.</summary>
internal sealed class LlmRouter(LlmForwarder forwarder, Circuits circuits, ILlmCredentials credentials, TimeProvider time)
{
    private const int MaxAttempts = 4;
    private const string EventStream = "text/event-stream";

    public async Task RouteAsync(LlmCall call)
    {
        LlmForwarder.RemovePrivate(call.Context.Request.Headers);
        var targets = TargetOrder.Of(call.Decision.Targets, Random.Shared);

        // a lone target gets a second chance
        var attempts = Math.Min(MaxAttempts, Math.Max(2, targets.Count));
        LlmError? last = null;
        for (var i = 0; i < attempts && !call.Context.RequestAborted.IsCancellationRequested; i++)
        {
            if (i >= targets.Count)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100 + Random.Shared.Next(200)), time, call.Context.RequestAborted);
            }

            call.Target = targets[i % targets.Count];
            call.Attempts++;
            last = await TryAsync(call, call.Target, isLast: i == attempts - 1);
            if (last is null)
            {
                return;
            }
        }

        call.Error = last;
    }

    private async Task<LlmError?> TryAsync(LlmCall call, LlmTarget target, bool isLast)
    {
        if (ProviderDoors.Spoken(target.Provider, target.Model, call.Door.Operation) is not { } spoken || spoken != call.Door.Operation)
        {
            return LlmError.Invalid($"'{target.Name}' at provider '{target.Provider.Id}' cannot be asked through this door.", "model");
        }

        var scan = call.Scan;
        var asksUsage = spoken == LlmOperation.Chat && scan.Stream && target.Provider.Settings.UsageInStreams;
        var body = RequestEdit.Apply(call.Body, scan, target.Model, asksUsage);
        var url = ProviderDoors.For(target.Provider, spoken, target.Model, scan.Stream);
        if (call.Context.Request.QueryString is { HasValue: true } query)
        {
            url = new Uri(url.AbsoluteUri + query.Value);
        }

        IReadOnlyList<KeyValuePair<string, string>> headers;
        try
        {
            headers = await credentials.HeadersFor(target.Provider, new("POST", url, body), call.Context.RequestAborted);
        }
        catch (InvalidOperationException e)
        {
            return new(StatusCodes.Status502BadGateway, "provider_refused", e.Message);
        }

        var request = call.Context.Request;
        request.Body = new MemoryStream(body.ToArray(), writable: false);
        request.ContentLength = body.Length;
        request.Headers.TransferEncoding = default;
        using var firstToken = new CancellationTokenSource(target.Provider.FirstToken, time);
        var attempt = new Attempt(call, target, url, headers, isLast, firstToken, time)
        {
            FilterFor = response => call.Filter = Filter(call, response, hidesUsage: asksUsage && !scan.IncludeUsage),
        };
        return await circuits.SendAsync(attempt, forwarder) is AttemptOutcome.Answered ? null : attempt.Fault;
    }

    private static AnswerFilter Filter(LlmCall call, HttpResponseMessage response, bool hidesUsage) => response.Content.Headers.ContentType switch
    {
        { MediaType: EventStream } when hidesUsage => new UsageTaker(call.Usage),
        { MediaType: EventStream } => new StreamObserver(call.Door.Dialect, call.Usage),
        _ => new WholeObserver(call.Usage),
    };
}
