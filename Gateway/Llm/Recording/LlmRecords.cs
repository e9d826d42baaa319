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
    /// <summary>No call without a record, and none can be kept just now.</summary>
    public bool MustRefuse => recorder.MustRefuse;

    public BodySample? NewSample() => options.Value.AuditBodyBytes > 0 ? new(options.Value.AuditBodyBytes) : null;

    public void Write(LlmCall call)
    {
        var record = Record(call, time.GetElapsedTime(call.StartedAt));
        var request = call.Sample is null ? default : call.Body.Span[..Math.Min(call.Body.Length, options.Value.AuditBodyBytes)];
        recorder.Record(record, request, call.Sample is { } sample ? sample.Start.Span : default);
        LlmInstruments.Measure(call, record);
        LlmDiagnostics.Finish(call, record);
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
