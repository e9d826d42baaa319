using System.Text.Json;
using System.Text.Json.Nodes;

namespace Obot.Gateway.Llm.Translation;

/// <summary>Reads what a provider says, event by event or whole.</summary>
internal interface IAnswerReader
{
    /// <summary>The data of one event of a stream.</summary>
    IEnumerable<AnswerPart> Event(ReadOnlyMemory<byte> data);

    IEnumerable<AnswerPart> Whole(ReadOnlyMemory<byte> json);
}

/// <summary><c>chat/completions</c>.</summary>
internal sealed class ChatAnswerReader : IAnswerReader
{
    private readonly HashSet<int> started = [];
    private bool begun;

    public IEnumerable<AnswerPart> Event(ReadOnlyMemory<byte> data)
    {
        if (data.Span.SequenceEqual("[DONE]"u8))
        {
            return [];
        }

        var chunk = JsonAccess.Parse(data.Span);
        return chunk["error"] is { } error ? [new AnswerFailed(error["message"].TextOrNull() ?? error.ToJsonString())] : Read(chunk, "delta");
    }

    public IEnumerable<AnswerPart> Whole(ReadOnlyMemory<byte> json) => Read(JsonAccess.Parse(json.Span), "message");

    private IEnumerable<AnswerPart> Read(JsonObject chunk, string member)
    {
        if (!begun)
        {
            begun = true;
            yield return new AnswerStarted(chunk["id"].TextOrNull() ?? "", chunk["model"].TextOrNull() ?? "");
        }

        if (chunk["choices"] is not JsonArray { Count: > 0 } choices || choices[0] is not JsonObject choice)
        {
            yield break;
        }

        foreach (var part in Content(choice[member] as JsonObject ?? []))
        {
            yield return part;
        }

        if (choice["finish_reason"].TextOrNull() is { } reason)
        {
            yield return new AnswerStopped(reason switch { "length" => StopReason.MaxTokens, "tool_calls" or "function_call" => StopReason.ToolUse, "content_filter" => StopReason.Refusal, _ => StopReason.End });
        }
    }

    private IEnumerable<AnswerPart> Content(JsonObject delta)
    {
        // DeepSeek, vLLM and others show thinking beside the text
        if ((delta["reasoning_content"] ?? delta["reasoning"]).TextOrNull() is { Length: > 0 } thought)
        {
            yield return new ThoughtArrived(thought);
        }

        if ((delta["content"].TextOrNull() ?? delta["refusal"].TextOrNull()) is { Length: > 0 } text)
        {
            yield return new TextArrived(text);
        }

        var calls = delta["tool_calls"] as JsonArray ?? [];
        for (var i = 0; i < calls.Count; i++)
        {
            var call = calls[i] as JsonObject ?? [];
            var index = call["index"] is { } given ? (int)given.Whole() : i;
            if (started.Add(index))
            {
                yield return new ToolCallStarted(index, call["id"].TextOrNull() ?? $"call_{index}", call["function"]?["name"].TextOrNull() ?? "");
            }

            if (call["function"]?["arguments"].TextOrNull() is { Length: > 0 } arguments)
            {
                yield return new ArgumentsArrived(index, arguments);
            }
        }
    }
}

/// <summary>Anthropic's <c>messages</c>.</summary>
internal sealed class MessagesAnswerReader : IAnswerReader
{
    /// <summary>From the index of a block to that of a tool call.</summary>
    private readonly Dictionary<long, int> calls = [];
    private StopReason? reason;
    private string? sequence;

    public IEnumerable<AnswerPart> Event(ReadOnlyMemory<byte> data)
    {
        var body = JsonAccess.Parse(data.Span);
        switch (body["type"].TextOrNull())
        {
            case "message_start":
                yield return new AnswerStarted(body["message"]?["id"].TextOrNull() ?? "", body["message"]?["model"].TextOrNull() ?? "");
                break;
            case "content_block_start":
                foreach (var part in Block(body["content_block"] as JsonObject ?? [], body["index"].Whole(), isWhole: false))
                {
                    yield return part;
                }

                break;
            case "content_block_delta" when body["delta"] is JsonObject delta:
                if (Delta(delta, body["index"].Whole()) is { } arrived)
                {
                    yield return arrived;
                }

                break;
            case "message_delta":
                (reason, sequence) = (Reason(body["delta"]?["stop_reason"].TextOrNull()), body["delta"]?["stop_sequence"].TextOrNull());
                break;
            case "message_stop":
                yield return new AnswerStopped(reason ?? StopReason.End, sequence);
                break;
            case "error":
                yield return new AnswerFailed(body["error"]?["message"].TextOrNull() ?? "The provider failed.");
                break;
            default:
                break;
        }
    }

    public IEnumerable<AnswerPart> Whole(ReadOnlyMemory<byte> json)
    {
        var message = JsonAccess.Parse(json.Span);
        yield return new AnswerStarted(message["id"].TextOrNull() ?? "", message["model"].TextOrNull() ?? "");
        var blocks = message["content"] as JsonArray ?? [];
        for (var i = 0; i < blocks.Count; i++)
        {
            foreach (var part in Block(blocks[i] as JsonObject ?? [], i, isWhole: true))
            {
                yield return part;
            }
        }

        yield return new AnswerStopped(Reason(message["stop_reason"].TextOrNull()), message["stop_sequence"].TextOrNull());
    }

    private IEnumerable<AnswerPart> Block(JsonObject block, long index, bool isWhole)
    {
        switch (block["type"].TextOrNull())
        {
            case "text" when block["text"].TextOrNull() is { Length: > 0 } text:
                yield return new TextArrived(text);
                break;
            case "thinking" when block["thinking"].TextOrNull() is { Length: > 0 } thought:
                yield return new ThoughtArrived(thought);
                break;
            case "tool_use":
                var call = calls[index] = calls.Count;
                yield return new ToolCallStarted(call, block["id"].TextOrNull() ?? "", block["name"].TextOrNull() ?? "");
                if (isWhole)
                {
                    yield return new ArgumentsArrived(call, (block["input"] ?? new JsonObject()).ToJsonString(Plain.Options));
                }

                break;
            default:
                break;
        }
    }

    private AnswerPart? Delta(JsonObject delta, long index) => delta["type"].TextOrNull() switch
    {
        "text_delta" => new TextArrived(delta["text"].TextOrNull() ?? ""),
        "thinking_delta" => new ThoughtArrived(delta["thinking"].TextOrNull() ?? ""),
        "input_json_delta" when calls.TryGetValue(index, out var call) && delta["partial_json"].TextOrNull() is { Length: > 0 } json => new ArgumentsArrived(call, json),
        _ => null,
    };

    private static StopReason Reason(string? reason) => reason switch
    {
        "max_tokens" or "model_context_window_exceeded" => StopReason.MaxTokens,
        "tool_use" => StopReason.ToolUse,
        "refusal" => StopReason.Refusal,
        _ => StopReason.End,
    };
}

/// <summary>JSON for machines: no escapes that nobody needs.</summary>
internal static class Plain
{
    public static JsonSerializerOptions Options { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
