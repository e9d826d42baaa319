using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Requests;
using Obot.Gateway.Llm.Translation;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Upstream;

/// <summary>A request as one target takes it, and what its answer goes through.</summary>
internal sealed class Prepared
{
    private const string EventStream = "text/event-stream";
    private const string AwsEventStream = "application/vnd.amazon.eventstream";
    private bool hidesUsage;

    public required LlmOperation Spoken { get; init; }

    /// <summary>Null where the target speaks as the caller does.</summary>
    public required Translator? Translator { get; init; }

    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <exception cref="LlmRequestException">The target has no words for something.</exception>
    public static Prepared Of(LlmCall call, LlmTarget target, LlmOperation spoken)
    {
        var usageInStreams = target.Provider.Settings.UsageInStreams;
        var translator = spoken == call.Door.Operation ? null : Translator.Of(call.Door.Operation, spoken, call.Body);
        var asksUsage = translator is null && spoken == LlmOperation.Chat && call.Scan.Stream && usageInStreams;
        ReadOnlyMemory<byte> body = translator is null ? RequestEdit.Apply(call.Body, call.Scan, target.Model, asksUsage) : translator.Request(target.Model, usageInStreams);
        if (target.Provider.Kind == ProviderKinds.Bedrock && spoken == LlmOperation.Messages)
        {
            body = BedrockMessages.Reshape(body, call.Context.Request.Headers["anthropic-beta"].ToString());
        }

        return new() { Spoken = spoken, Translator = translator, Body = body, hidesUsage = asksUsage && !call.Scan.IncludeUsage };
    }

    public AnswerFilter Filter(LlmCall call, HttpResponseMessage response, long now)
    {
        var type = response.Content.Headers.ContentType?.MediaType;
        var dialect = call.Door.Dialect;
        call.Succeeded = response.IsSuccessStatusCode;
        if (!response.IsSuccessStatusCode)
        {
            return Translator is null && dialect == VendorOf(Spoken) ? new WholeObserver(call.Usage) : new ErrorTranslator(dialect, (int)response.StatusCode);
        }

        AnswerFilter Stream() => Translator is { } translator
            ? translator.Answer(dialect, call.Usage, isEvents: true, now)
            : hidesUsage ? new UsageTaker(call.Usage) : new StreamObserver(dialect, call.Usage);

        return type switch
        {
            EventStream => Stream(),
            AwsEventStream => new AwsEvents(Stream()),
            _ when Translator is { } translator => translator.Answer(dialect, call.Usage, isEvents: false, now),
            _ => new WholeObserver(call.Usage),
        };
    }

    private static LlmDialect VendorOf(LlmOperation operation) => operation is LlmOperation.Messages or LlmOperation.CountTokens ? LlmDialect.Anthropic : LlmDialect.OpenAi;
}
