using System.Buffers;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Answers;

namespace Obot.Gateway.Llm.Translation;

/// <summary><c>chat/completions</c>, whole or as chunks.</summary>
internal sealed class ChatAnswerWriter(bool stream, bool includeUsage, long createdAt) : AnswerWriter
{
    private string ChatId => Id.StartsWith("chatcmpl-", StringComparison.Ordinal) ? Id : $"chatcmpl-{Id}";

    public override void Add(AnswerPart part, IBufferWriter<byte> output)
    {
        base.Add(part, output);
        if (!stream)
        {
            return;
        }

        var delta = part switch
        {
            AnswerStarted => new JsonObject { ["role"] = "assistant", ["content"] = "" },
            TextArrived arrived => new() { ["content"] = arrived.Text },
            ThoughtArrived arrived => new() { ["reasoning_content"] = arrived.Text },
            ToolCallStarted call => Call(call.Index, new JsonObject
            {
                ["index"] = call.Index, ["id"] = call.Id, ["type"] = "function", ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = "" },
            }),
            ArgumentsArrived arguments => Call(arguments.Index, new JsonObject { ["index"] = arguments.Index, ["function"] = new JsonObject { ["arguments"] = arguments.Json } }),
            _ => null,
        };
        if (delta is not null)
        {
            WriteChunk(delta, null, output);
        }
        else if (part is AnswerStopped)
        {
            foreach (var call in Calls.Where(call => call.Json.Length == 0))
            {
                WriteChunk(Call(call.Index, new JsonObject { ["index"] = call.Index, ["function"] = new JsonObject { ["arguments"] = "{}" } }), null, output);
            }

            WriteChunk([], Reason(), output);
        }
    }

    public override void Complete(LlmUsage usage, IBufferWriter<byte> output)
    {
        if (!stream)
        {
            Write(Whole(usage), output);
            return;
        }

        if (includeUsage)
        {
            WriteEvent(null, Envelope("chat.completion.chunk", [], Usage(usage)), output);
        }

        output.Write("data: [DONE]\n\n"u8);
    }

    private static JsonObject Call(int index, JsonObject call) => new() { ["tool_calls"] = new JsonArray(call) };

    private void WriteChunk(JsonObject delta, string? reason, IBufferWriter<byte> output) =>
        WriteEvent(null, Envelope("chat.completion.chunk", new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = reason }), null), output);

    private JsonObject Whole(LlmUsage usage)
    {
        var message = new JsonObject { ["role"] = "assistant", ["content"] = Text.Length > 0 || Calls.Count == 0 ? Text : null };
        if (Thought.Length > 0)
        {
            message["reasoning_content"] = Thought;
        }

        if (Calls.Count > 0)
        {
            message["tool_calls"] = new JsonArray([.. Calls.Select(call => new JsonObject
            {
                ["id"] = call.Id, ["type"] = "function", ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.Arguments },
            })]);
        }

        return Envelope("chat.completion", new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["finish_reason"] = Reason() }), Usage(usage));
    }

    private JsonObject Envelope(string type, JsonArray choices, JsonObject? usage)
    {
        var envelope = new JsonObject { ["id"] = ChatId, ["object"] = type, ["created"] = createdAt, ["model"] = Model, ["choices"] = choices };
        if (usage is not null)
        {
            envelope["usage"] = usage;
        }

        return envelope;
    }

    private static JsonObject Usage(LlmUsage usage) => new()
    {
        ["prompt_tokens"] = usage.Input,
        ["completion_tokens"] = usage.Output,
        ["total_tokens"] = usage.Input + usage.Output,
        ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.CachedInput },
    };

    private string Reason() => Stop switch { StopReason.MaxTokens => "length", StopReason.ToolUse => "tool_calls", StopReason.Refusal => "content_filter", _ => "stop" };
}
