using Microsoft.AspNetCore.Http;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Messages;
using Obot.Gateway.Llm.Requests;
using Obot.Gateway.Llm.Translation;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Upstream;

/// <summary>Asks one target after another until the first byte of an answer; from then on it is that one's call.</summary>
internal sealed class LlmRouter(LlmForwarder forwarder, Circuits circuits, ILlmCredentials credentials, MessageGuard messages, TimeProvider time)
{
    private const int MaxAttempts = 4;

    public async Task RouteAsync(LlmCall call)
    {
        LlmForwarder.RemovePrivate(call.Context.Request.Headers);
        var targets = TargetOrder.Of(call.Decision.Targets, Random.Shared);
        if (targets.Count == 0)
        {
            call.Error = LlmError.Invalid($"'{call.Scan.Model}' has no target with a weight.", "model");
            return;
        }

        // a lone target gets a second chance
        var attempts = Math.Min(MaxAttempts, Math.Max(2, targets.Count));
        for (var i = 0; i < attempts && !call.Context.RequestAborted.IsCancellationRequested; i++)
        {
            if (i >= targets.Count)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100 + Random.Shared.Next(200)), time, call.Context.RequestAborted);
            }

            call.Target = targets[i % targets.Count];
            call.Error = Prepare(call, call.Target, out var prepared);
            if (prepared is null)
            {
                // of targets that cannot be asked in these words, another one may
                if (i >= targets.Count - 1)
                {
                    return;
                }

                continue;
            }

            call.Attempts++;
            call.Error = await TryAsync(call, call.Target, prepared, isLast: i == attempts - 1);
            if (call.Error is null)
            {
                return;
            }
        }
    }

    private static LlmError? Prepare(LlmCall call, LlmTarget target, out Prepared? prepared)
    {
        prepared = null;
        var asked = call.Door.Operation;
        if (ProviderDoors.Spoken(target.Provider, target.Model, asked) is not { } spoken)
        {
            return LlmError.Invalid($"'{target.Name}' at provider '{target.Provider.Id}' cannot be asked through this door: {asked} has no translation for it.", "model");
        }

        try
        {
            prepared = Prepared.Of(call, target, spoken);
            return null;
        }
        catch (LlmRequestException e)
        {
            return new(StatusCodes.Status400BadRequest, "untranslatable", e.Message) { Param = e.Param };
        }
    }

    private async Task<LlmError?> TryAsync(LlmCall call, LlmTarget target, Prepared prepared, bool isLast)
    {
        var url = ProviderDoors.For(target.Provider, prepared.Spoken, target.Model, call.Scan.Stream);
        if (prepared.Translator is null && target.Provider.Kind != ProviderKinds.Bedrock && call.Context.Request.QueryString is { HasValue: true } query)
        {
            url = new Uri(url.AbsoluteUri + query.Value);
        }

        IReadOnlyList<KeyValuePair<string, string>> headers;
        try
        {
            headers = await credentials.HeadersFor(target.Provider, new("POST", url, prepared.Body), call.Context.RequestAborted);
        }
        catch (InvalidOperationException e)
        {
            return new(StatusCodes.Status502BadGateway, "provider_refused", e.Message);
        }

        var request = call.Context.Request;
        request.ContentLength = prepared.Body.Length;
        request.Headers.TransferEncoding = default;
        using var firstToken = new CancellationTokenSource(target.Provider.FirstToken, time);
        var attempt = new Attempt(call, target, url, headers, isLast, firstToken, time)
        {
            Body = prepared.Body,
            Check = MessageGuard.HoldsAnswer(call) ? answer => messages.CheckAnswerAsync(call, answer, call.Context.RequestAborted) : null,
            IsTranslated = prepared.Translator is not null || target.Provider.Kind == ProviderKinds.Bedrock,
            FilterFor = response => call.Filter = prepared.Filter(call, response, time.GetUtcNow().ToUnixTimeSeconds()),
        };
        return await circuits.SendAsync(attempt, forwarder) is AttemptOutcome.Answered ? null : attempt.Fault;
    }
}
