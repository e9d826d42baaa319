using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Budgets;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Recording;

/// <summary>Writes down how a call went: a record, and the metrics and span of OpenTelemetry's GenAI conventions.</summary>
internal sealed class LlmRecords(ILlmRecorder recorder, IOptions<LlmOptions> options, TimeProvider time)
{
    public BodySample? NewSample() => options.Value.AuditBodyBytes > 0 ? new(options.Value.AuditBodyBytes) : null;

    public void Write(LlmCall call, Activity? activity)
    {
        var duration = time.GetElapsedTime(call.StartedAt);
        var record = Record(call, duration);
        recorder.Record(record);
        LlmInstruments.Measure(call, record);
        LlmDiagnostics.Finish(activity, record);
    }

    private LlmRecord Record(LlmCall call, TimeSpan duration)
    {
        var (context, answer, usage) = (call.Context, call.Answer, call.Usage);
        var cost = BudgetDesk.Actual(call);
        var isEstimate = answer is not null && call.Succeeded && !usage.IsKnown;
        return new()
        {
            Id = call.Id,
            At = time.GetUtcNow() - duration,
            UserId = call.Verdict.Principal.UserId,
            CredentialId = call.Verdict.Principal.CredentialId,
            Operation = call.Door.Operation,
            ModelAsked = call.Scan?.Model,
            ProviderId = call.Target?.Provider.Id,
            ModelId = call.Target?.ModelId,
            ModelUsed = call.Target?.Model,
            Status = call.Error?.Status ?? (context.RequestAborted.IsCancellationRequested && answer is null ? 499 : context.Response.StatusCode),
            Error = Outcome(call),
            InputTokens = isEstimate ? call.Scan!.InputTokens : usage.Input,
            CachedTokens = usage.CachedInput,
            OutputTokens = isEstimate ? call.Filter?.EventCount ?? 0 : usage.Output,
            UsageKnown = usage.IsKnown,
            MicroUsd = cost.MicroUsd,
            Duration = duration,
            FirstToken = answer is { FirstByteAt: > 0 } ? time.GetElapsedTime(call.StartedAt, answer.FirstByteAt) : null,
            Streamed = call.Scan?.Stream ?? false,
            Attempts = call.Attempts,
            Client = context.Request.Headers.UserAgent.ToString() is { Length: > 0 } agent ? agent : null,
            ClientIp = context.Connection.RemoteIpAddress?.ToString(),
            Violations = call.Violations,
            RequestBytes = call.Body.Length,
            ResponseBytes = call.Sample?.Length ?? 0,
            Request = call.Sample is null ? default : call.Body[..Math.Min(call.Body.Length, options.Value.AuditBodyBytes)].ToArray(),
            Response = call.Sample?.Start ?? default,
        };
    }

    private static string? Outcome(LlmCall call) => call switch
    {
        { Error: { } error } => error.Code,
        { Answer.End: AnswerEnd.Broken } => "provider_broke_off",
        { Answer.End: AnswerEnd.TimedOut } => "provider_timeout",
        _ when call.Context.RequestAborted.IsCancellationRequested => "client_closed",
        _ when call.Context.Response.StatusCode >= StatusCodes.Status400BadRequest => $"provider_{call.Context.Response.StatusCode}",
        _ => null,
    };
}

/// <summary>Metrics of OpenTelemetry's GenAI semantic conventions.</summary>
internal static class LlmInstruments
{
    public const string Name = "Obot.Gateway.Llm";
    private static readonly Meter Meter = new(Name);
    private static readonly Histogram<long> Tokens = Meter.CreateHistogram<long>("gen_ai.client.token.usage", "{token}", "Tokens of a call, by type");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("gen_ai.client.operation.duration", "s", "Duration of a call");
    private static readonly Histogram<double> FirstToken = Meter.CreateHistogram<double>("gen_ai.server.time_to_first_token", "s", "Time until the first byte of an answer");

    public static void Measure(LlmCall call, LlmRecord record)
    {
        if (!Tokens.Enabled && !Duration.Enabled)
        {
            return;
        }

        var tags = new TagList
        {
            { LlmTags.Operation, LlmTags.NameOf(record.Operation) },
            { LlmTags.Provider, call.Target is { } target ? LlmTags.VendorOf(target.Provider.Kind) : "unknown" },

            // names of callers' own making are no tags: anybody may ask for any name
            { LlmTags.RequestModel, call.Target?.Name ?? "unknown" },
        };
        if (record.Error is { } error)
        {
            tags.Add(LlmTags.Error, error);
        }

        Duration.Record(record.Duration.TotalSeconds, tags);
        if (record.FirstToken is { } first)
        {
            FirstToken.Record(first.TotalSeconds, tags);
        }

        if (record.InputTokens + record.OutputTokens > 0)
        {
            var input = tags;
            input.Add(LlmTags.TokenType, "input");
            Tokens.Record(record.InputTokens, input);
            tags.Add(LlmTags.TokenType, "output");
            Tokens.Record(record.OutputTokens, tags);
        }
    }
}

/// <summary>Spans of OpenTelemetry's GenAI semantic conventions; no contents.</summary>
internal static class LlmDiagnostics
{
    private static readonly ActivitySource Source = new(LlmInstruments.Name);

    public static Activity? Start(LlmOperation operation) => Source.HasListeners() ? Source.StartActivity(LlmTags.NameOf(operation), ActivityKind.Client) : null;

    public static void Finish(Activity? activity, LlmRecord record)
    {
        if (activity is null)
        {
            return;
        }

        activity.DisplayName = $"{LlmTags.NameOf(record.Operation)} {record.ModelAsked}";
        activity.SetTag(LlmTags.Operation, LlmTags.NameOf(record.Operation)).SetTag(LlmTags.RequestModel, record.ModelAsked).SetTag("gen_ai.response.model", record.ModelUsed)
            .SetTag("gen_ai.usage.input_tokens", record.InputTokens).SetTag("gen_ai.usage.output_tokens", record.OutputTokens).SetTag("http.response.status_code", record.Status);
        if (record.Error is { } error)
        {
            activity.SetTag(LlmTags.Error, error).SetStatus(ActivityStatusCode.Error);
        }

        activity.Dispose();
    }
}

internal static class LlmTags
{
    public const string Operation = "gen_ai.operation.name";
    public const string Provider = "gen_ai.provider.name";
    public const string RequestModel = "gen_ai.request.model";
    public const string TokenType = "gen_ai.token.type";
    public const string Error = "error.type";

    public static string NameOf(LlmOperation operation) => operation switch
    {
        LlmOperation.Embeddings => "embeddings",
        LlmOperation.CountTokens => "count_tokens",
        _ => "chat",
    };

    public static string VendorOf(string kind) => kind switch
    {
        ProviderKinds.OpenAi => "openai",
        ProviderKinds.Anthropic => "anthropic",
        ProviderKinds.AzureOpenAi => "azure.ai.openai",
        ProviderKinds.Bedrock => "aws.bedrock",
        ProviderKinds.Gemini => "gcp.gemini",
        _ => "openai_compatible",
    };
}
