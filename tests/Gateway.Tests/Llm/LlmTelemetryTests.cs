using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Obot.Gateway.Authentication;
using Obot.Gateway.Llm;
using Obot.Gateway.Llm.Recording;
using Obot.Gateway.Llm.Requests;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

/// <summary>Names, units and attributes of OpenTelemetry's GenAI semantic conventions, as a collector gets them.</summary>
public sealed class LlmTelemetryTests
{
    private readonly string _model = $"gpt-{Guid.NewGuid():N}";

    [Fact]
    public void Call_IsMeasured_AsTheConventionsName()
    {
        var seen = new ConcurrentQueue<(string Name, string? Unit, double Value, Dictionary<string, object?> Tags)>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, all) => { if (instrument.Meter.Name == "Obot.Gateway.Llm") { all.EnableMeasurementEvents(instrument); } } };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        listener.Start();
        Write(error: null);

        var duration = seen.Single(one => one.Name == "gen_ai.client.operation.duration");
        Assert.Equal("s", duration.Unit);
        Assert.Equal(
            ("chat", "openai", _model, "gpt-real", "models.example.com", 8443),
            (duration.Tags["gen_ai.operation.name"], duration.Tags["gen_ai.provider.name"], duration.Tags["gen_ai.request.model"], duration.Tags["gen_ai.response.model"], duration.Tags["server.address"], duration.Tags["server.port"]));
        Assert.False(duration.Tags.ContainsKey("error.type"));
        var tokens = seen.Where(one => one.Name == "gen_ai.client.token.usage").ToDictionary(one => (string)one.Tags["gen_ai.token.type"]!, one => one, StringComparer.Ordinal);
        Assert.Equal(("{token}", 12d, 4d), (tokens["input"].Unit, tokens["input"].Value, tokens["output"].Value));
        Assert.All(seen, one => Assert.DoesNotContain("ann", one.Tags.Values.OfType<string>()));

        seen.Clear();
        Write(error: new(502, "provider_broke_off", "it broke"));
        Assert.Equal("provider_broke_off", seen.Single(one => one.Name == "gen_ai.client.operation.duration").Tags["error.type"]);

        void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var kept = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value, StringComparer.Ordinal);
            if (_model.Equals(kept.GetValueOrDefault("gen_ai.request.model")))
            {
                seen.Enqueue((instrument.Name, instrument.Unit, value, kept));
            }
        }
    }

    [Fact]
    public void Call_HasASpan_WithoutContents()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Obot.Gateway.Llm",
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        Write(error: new(504, "provider_timeout", "too slow"));
        var span = Assert.Single(ended, one => one.DisplayName == $"chat {_model}");
        Assert.Equal((ActivityKind.Client, ActivityStatusCode.Error), (span.Kind, span.Status));
        Assert.Equal(
            ("chat", "openai", _model, "gpt-real", 12L, 4L, 50L, "models.example.com", "provider_timeout"),
            (span.GetTagItem("gen_ai.operation.name"), span.GetTagItem("gen_ai.provider.name"), span.GetTagItem("gen_ai.request.model"), span.GetTagItem("gen_ai.response.model"), span.GetTagItem("gen_ai.usage.input_tokens"),
                span.GetTagItem("gen_ai.usage.output_tokens"), span.GetTagItem("gen_ai.request.max_tokens"), span.GetTagItem("server.address"), span.GetTagItem("error.type")));
        Assert.DoesNotContain(span.TagObjects, tag => $"{tag.Value}".Contains("secret question", StringComparison.Ordinal));
    }

    private void Write(LlmError? error)
    {
        var provider = new LlmProvider
        {
            Id = "p", Kind = ProviderKinds.OpenAi, BaseUrl = "https://models.example.com:8443/v1", Settings = new(), Credentials = new Dictionary<string, string>(StringComparer.Ordinal), Revision = 1,
        };
        var records = new LlmRecords(new Nowhere(), Options.Create(new LlmOptions()), TimeProvider.System);
        var call = new LlmCall(new DefaultHttpContext(), LlmDoor.Of("/openai/v1/chat/completions")!.Value, new Verdict(new("ann", Role.Basic, "k", [Scopes.Llm]), DateTimeOffset.MaxValue, new UserLoad()), Guid.CreateVersion7(), TimeProvider.System.GetTimestamp())
        {
            Activity = LlmDiagnostics.Start(LlmOperation.Chat),
            Scan = RequestScan.Of(Encoding.UTF8.GetBytes($$"""{"model":"{{_model}}","max_tokens":50,"messages":[{"role":"user","content":"secret question"}]}""")),
            Target = new(provider, "m1", _model, "gpt-real", "llm", null),
            Succeeded = true,
            Error = error,
        };
        call.Usage.Set(12, 4);
        records.Write(call);
    }

    private sealed class Nowhere : ILlmRecorder
    {
        public bool MustRefuse => false;

        public void Record(LlmRecord record, ReadOnlySpan<byte> request, ReadOnlySpan<byte> response)
        {
        }
    }
}
