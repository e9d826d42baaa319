using System.Diagnostics;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Recording;

/// <summary>Spans of OpenTelemetry's GenAI semantic conventions; no contents.</summary>
internal static class LlmDiagnostics
{
    private static readonly ActivitySource Source = new(LlmInstruments.Name);

    public static Activity? Start(LlmOperation operation) => Source.HasListeners() ? Source.StartActivity(LlmTags.NameOf(operation), ActivityKind.Client) : null;

    public static void Finish(LlmCall call, LlmRecord record)
    {
        if (call.Activity is not { } activity)
        {
            return;
        }

        activity.DisplayName = $"{LlmTags.NameOf(record.Operation)} {record.ModelAsked}";
        activity.SetTag(LlmTags.Operation, LlmTags.NameOf(record.Operation)).SetTag(LlmTags.Provider, LlmTags.VendorOf(call.Target)).SetTag(LlmTags.RequestModel, record.ModelAsked)
            .SetTag(LlmTags.ResponseModel, record.ModelUsed).SetTag("gen_ai.request.max_tokens", call.Scan?.MaxOutputTokens).SetTag("gen_ai.request.temperature", call.Scan?.Temperature)
            .SetTag("gen_ai.usage.input_tokens", record.InputTokens).SetTag("gen_ai.usage.output_tokens", record.OutputTokens).SetTag("http.response.status_code", record.Status);
        if (call.Target?.Provider.Address is { } address)
        {
            activity.SetTag(LlmTags.Server, address.Host).SetTag(LlmTags.Port, address.Port);
        }

        if (record.Error is { } error)
        {
            activity.SetTag(LlmTags.Error, error).SetStatus(ActivityStatusCode.Error);
        }

        activity.Dispose();
    }
}
