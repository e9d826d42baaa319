using System.Diagnostics;
using System.Diagnostics.Metrics;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Recording;

/// <summary>Metrics of OpenTelemetry's GenAI semantic conventions, with the bucket bounds that they advise.</summary>
internal static class LlmInstruments
{
    public const string Name = "Obot.Gateway.Llm";
    private static readonly Meter Meter = new(Name);
    private static readonly Histogram<long> Tokens = Meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Tokens of a call, by type", tags: null,
        new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864] });

    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "gen_ai.client.operation.duration", "s", "Duration of a call", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] });

    private static readonly Histogram<double> FirstToken = Meter.CreateHistogram(
        "gen_ai.server.time_to_first_token", "s", "Time until the first byte of an answer", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0] });

    public static void Measure(LlmCall call, LlmRecord record)
    {
        if (!Tokens.Enabled && !Duration.Enabled && !FirstToken.Enabled)
        {
            return;
        }

        // names of callers' own making are no tags: anybody may ask for any name
        var tags = new TagList
        {
            { LlmTags.Operation, LlmTags.NameOf(record.Operation) },
            { LlmTags.Provider, LlmTags.VendorOf(call.Target) },
            { LlmTags.RequestModel, call.Target?.Name ?? "unknown" },
        };
        if (call.Target is { } target)
        {
            tags.Add(LlmTags.ResponseModel, target.Model);
            tags.Add(LlmTags.Server, target.Provider.Address.Host);
            tags.Add(LlmTags.Port, target.Provider.Address.Port);
        }

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
