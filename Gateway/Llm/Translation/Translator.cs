using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Requests;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Translation;

/// <summary>One request on its way from one vendor's words to the other's, and its answer back.</summary>
internal sealed class Translator(LlmOperation asked, LlmOperation spoken, Conversation conversation)
{
    /// <exception cref="LlmRequestException">Something of the request has no words there; names it.</exception>
    public static Translator Of(LlmOperation asked, LlmOperation spoken, ReadOnlyMemory<byte> body)
    {
        JsonObject request;
        try
        {
            request = JsonNode.Parse(body.Span, documentOptions: new() { MaxDepth = 256, AllowDuplicateProperties = false }) as JsonObject ?? throw new LlmRequestException("The body must be a JSON object.");
        }
        catch (JsonException e)
        {
            throw new LlmRequestException($"The body cannot be translated: {e.Message}");
        }

        return new(asked, spoken, asked switch
        {
            LlmOperation.Messages => MessagesRequestReader.Read(request),
            LlmOperation.Responses => ResponsesRequestReader.Read(request),
            _ => ChatRequestReader.Read(request),
        });
    }

    public byte[] Request(string model, bool usageInStreams) => JsonSerializer.SerializeToUtf8Bytes(
        spoken == LlmOperation.Messages ? MessagesRequestWriter.Write(conversation, model) : ChatRequestWriter.Write(conversation, model, usageInStreams), Plain.Options);

    public AnswerFilter Answer(LlmDialect dialect, LlmUsage usage, bool isEvents, long createdAt) =>
        new TranslatingFilter(dialect, usage, isEvents, spoken == LlmOperation.Messages ? new MessagesAnswerReader() : new ChatAnswerReader(), Writer(isEvents, createdAt));

    private AnswerWriter Writer(bool isEvents, long createdAt) => asked switch
    {
        LlmOperation.Messages => new MessagesAnswerWriter(isEvents),
        LlmOperation.Responses => new ResponsesAnswerWriter(isEvents, createdAt, conversation.Tools.Where(tool => tool.IsFreeText).Select(tool => tool.Name).ToHashSet(StringComparer.Ordinal)),
        _ => new ChatAnswerWriter(isEvents, conversation.IncludeUsage, createdAt),
    };
}

/// <summary>An answer that the client's vendor would have said otherwise.</summary>
internal sealed class TranslatingFilter(LlmDialect dialect, LlmUsage usage, bool isEvents, IAnswerReader reader, AnswerWriter writer) : AnswerFilter
{
    private const int MaxWhole = 64 * 1024 * 1024;
    private readonly EventSplitter splitter = new();
    private readonly ArrayBufferWriter<byte> whole = new();
    private bool failed;

    public override bool IsStream => isEvents;

    public override void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        if (isEvents)
        {
            splitter.Feed(chunk, (_, data) => Read(data, output));
            return;
        }

        if (whole.WrittenCount + chunk.Length > MaxWhole)
        {
            throw new InvalidDataException($"The provider's answer has more than {MaxWhole} bytes.");
        }

        whole.Write(chunk);
    }

    public override void Complete(IBufferWriter<byte> output)
    {
        if (isEvents)
        {
            splitter.Complete((_, data) => Read(data, output));
        }
        else
        {
            usage.Read(whole.WrittenSpan);
            Add(() => reader.Whole(whole.WrittenMemory), output);
        }

        if (!failed)
        {
            writer.Complete(usage, output);
        }
    }

    public override void Break(LlmError error, IBufferWriter<byte> output) => WriteErrorEvent(error, dialect, output);

    private void Read(ReadOnlySpan<byte> data, IBufferWriter<byte> output)
    {
        if (data.IsEmpty || failed)
        {
            return;
        }

        EventCount++;
        usage.Read(data);
        var copy = data.ToArray();
        Add(() => reader.Event(copy), output);
    }

    private void Add(Func<IEnumerable<AnswerPart>> parts, IBufferWriter<byte> output)
    {
        try
        {
            foreach (var part in parts())
            {
                if (part is AnswerFailed { Message: var message })
                {
                    failed = true;
                    WriteErrorEvent(new(502, "provider_failed", message), dialect, output);
                    return;
                }

                writer.Add(part, output);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"The provider's answer cannot be read: {e.Message}", e);
        }
    }
}

/// <summary>A refusal of the provider, said as the client's vendor would.</summary>
internal sealed class ErrorTranslator(LlmDialect dialect, int status) : AnswerFilter
{
    private const int Most = 256 * 1024;
    private readonly ArrayBufferWriter<byte> whole = new();

    public override bool IsStream => false;

    public override void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        if (whole.WrittenCount < Most)
        {
            whole.Write(chunk);
        }
    }

    public override void Complete(IBufferWriter<byte> output)
    {
        string? message = null;
        var code = "provider_error";
        try
        {
            var error = JsonAccess.Parse(whole.WrittenSpan)["error"];
            message = error?["message"].TextOrNull() ?? error.TextOrNull();
            code = error?["code"].TextOrNull() ?? error?["type"].TextOrNull() ?? code;
        }
        catch (JsonException)
        {
            // no vendor's error: the status says what there is to say
        }

        output.Write(new LlmError(status, code, message ?? $"The provider answered {status}.").ToJson(dialect));
    }
}
