using System.Buffers;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Answers;

namespace Obot.Gateway.Llm.Translation;

/// <summary>Anthropic's <c>messages</c>, whole or as events.</summary>
internal sealed class MessagesAnswerWriter(bool stream) : AnswerWriter
{
    private int block = -1;
    private string open = "";
    private int openCall = -1;

    private string MessageId => Id.StartsWith("msg_", StringComparison.Ordinal) ? Id : $"msg_{Id}";

    public override void Add(AnswerPart part, IBufferWriter<byte> output)
    {
        base.Add(part, output);
        if (!stream)
        {
            return;
        }

        switch (part)
        {
            case AnswerStarted:
                WriteEvent("message_start", new JsonObject { ["type"] = "message_start", ["message"] = Message([], null, Usage(0, 0, 0)) }, output);
                break;
            case TextArrived arrived:
                Open("text", new JsonObject { ["type"] = "text", ["text"] = "" }, output);
                Delta(new JsonObject { ["type"] = "text_delta", ["text"] = arrived.Text }, output);
                break;
            case ThoughtArrived arrived:
                Open("thinking", new JsonObject { ["type"] = "thinking", ["thinking"] = "", ["signature"] = "" }, output);
                Delta(new JsonObject { ["type"] = "thinking_delta", ["thinking"] = arrived.Text }, output);
                break;
            case ToolCallStarted call:
                Close(output);
                Open("tool_use", new JsonObject { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = new JsonObject() }, output);
                openCall = call.Index;
                break;
            case ArgumentsArrived arguments when openCall != arguments.Index || open != "tool_use":
                throw new InvalidDataException("The provider mixes the arguments of several tool calls.");
            case ArgumentsArrived arguments:
                Delta(new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = arguments.Json }, output);
                break;
            default:
                break;
        }
    }

    public override void Complete(LlmUsage usage, IBufferWriter<byte> output)
    {
        if (!stream)
        {
            Write(Message(Content(), Reason(), Usage(usage.Input - usage.CachedInput, usage.CachedInput, usage.Output)), output);
            return;
        }

        Close(output);
        WriteEvent("message_delta", new JsonObject
        {
            ["type"] = "message_delta",
            ["delta"] = new JsonObject { ["stop_reason"] = Reason(), ["stop_sequence"] = StopSequence },
            ["usage"] = Usage(usage.Input - usage.CachedInput, usage.CachedInput, usage.Output),
        }, output);
        WriteEvent("message_stop", new JsonObject { ["type"] = "message_stop" }, output);
    }

    private void Open(string kind, JsonObject content, IBufferWriter<byte> output)
    {
        if (open == kind)
        {
            return;
        }

        Close(output);
        open = kind;
        block++;
        WriteEvent("content_block_start", new JsonObject { ["type"] = "content_block_start", ["index"] = block, ["content_block"] = content }, output);
    }

    private void Delta(JsonObject delta, IBufferWriter<byte> output) =>
        WriteEvent("content_block_delta", new JsonObject { ["type"] = "content_block_delta", ["index"] = block, ["delta"] = delta }, output);

    private void Close(IBufferWriter<byte> output)
    {
        if (open.Length > 0)
        {
            WriteEvent("content_block_stop", new JsonObject { ["type"] = "content_block_stop", ["index"] = block }, output);
            open = "";
        }
    }

    private JsonObject Message(JsonArray content, string? reason, JsonObject usage) => new()
    {
        ["id"] = MessageId,
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = Model,
        ["content"] = content,
        ["stop_reason"] = reason,
        ["stop_sequence"] = StopSequence,
        ["usage"] = usage,
    };

    private JsonArray Content()
    {
        var content = new JsonArray();
        if (Thought.Length > 0)
        {
            content.Add(new JsonObject { ["type"] = "thinking", ["thinking"] = Thought, ["signature"] = "" });
        }

        if (Text.Length > 0)
        {
            content.Add(new JsonObject { ["type"] = "text", ["text"] = Text });
        }

        foreach (var call in Calls)
        {
            content.Add(new JsonObject { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = JsonNode.Parse(call.Arguments) });
        }

        return content;
    }

    private static JsonObject Usage(long input, long cached, long output) => new()
    {
        ["input_tokens"] = input,
        ["cache_creation_input_tokens"] = 0,
        ["cache_read_input_tokens"] = cached,
        ["output_tokens"] = output,
    };

    private string Reason() => Stop switch
    {
        StopReason.MaxTokens => "max_tokens",
        StopReason.ToolUse => "tool_use",
        StopReason.Refusal => "refusal",
        _ => StopSequence is null ? "end_turn" : "stop_sequence",
    };
}
