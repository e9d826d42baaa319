using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Answers;

namespace Obot.Gateway.Llm.Translation;

/// <summary>OpenAI's <c>responses</c>, whole or as events. Thinking of other vendors has no words there and is left out.</summary>
/// <param name="freeText">Names of custom tools, whose input is a text.</param>
internal sealed class ResponsesAnswerWriter(bool stream, long createdAt, IReadOnlySet<string> freeText) : AnswerWriter
{
    private readonly JsonArray items = [];
    private int number;
    private bool inMessage;
    private ToolCallDraft? call;

    private string ResponseId => Id.StartsWith("resp_", StringComparison.Ordinal) ? Id : $"resp_{Id}";

    private string MessageId => $"msg_{Id}";

    public override void Add(AnswerPart part, IBufferWriter<byte> output)
    {
        base.Add(part, output);
        switch (part)
        {
            case AnswerStarted:
                Event("response.created", new() { ["response"] = Response("in_progress", null) }, output);
                Event("response.in_progress", new() { ["response"] = Response("in_progress", null) }, output);
                break;
            case TextArrived arrived:
                BeginMessage(output);
                Event("response.output_text.delta", At(new() { ["content_index"] = 0, ["delta"] = arrived.Text, ["logprobs"] = new JsonArray() }), output);
                break;
            case ToolCallStarted:
                EndItem(output);
                call = Calls[^1];
                Event("response.output_item.added", new() { ["output_index"] = items.Count, ["item"] = CallItem(call, "in_progress", "") }, output);
                break;
            case ArgumentsArrived arguments when call?.Index != arguments.Index:
                throw new InvalidDataException("The provider mixes the arguments of several tool calls.");
            case ArgumentsArrived arguments when !freeText.Contains(call!.Name):
                Event("response.function_call_arguments.delta", At(new() { ["delta"] = arguments.Json }), output);
                break;
            default:
                break;
        }
    }

    public override void Complete(LlmUsage usage, IBufferWriter<byte> output)
    {
        EndItem(output);
        var isCut = Stop is StopReason.MaxTokens or StopReason.Refusal;
        var response = Response(isCut ? "incomplete" : "completed", usage);
        if (stream)
        {
            Event(isCut ? "response.incomplete" : "response.completed", new() { ["response"] = response }, output);
        }
        else
        {
            Write(response, output);
        }
    }

    private void BeginMessage(IBufferWriter<byte> output)
    {
        if (inMessage)
        {
            return;
        }

        EndItem(output);
        inMessage = true;
        Event("response.output_item.added", new() { ["output_index"] = items.Count, ["item"] = MessageItem("in_progress", []) }, output);
        Event("response.content_part.added", At(new() { ["content_index"] = 0, ["part"] = TextContent("") }), output);
    }

    private void EndItem(IBufferWriter<byte> output)
    {
        if (inMessage)
        {
            inMessage = false;
            Event("response.output_text.done", At(new() { ["content_index"] = 0, ["text"] = Text, ["logprobs"] = new JsonArray() }), output);
            Event("response.content_part.done", At(new() { ["content_index"] = 0, ["part"] = TextContent(Text) }), output);
            Finish(MessageItem("completed", [TextContent(Text)]), output);
        }

        if (call is { } ended)
        {
            var isFree = freeText.Contains(ended.Name);
            var input = isFree ? FreeText(ended.Arguments) : ended.Arguments;
            if (isFree)
            {
                Event("response.custom_tool_call_input.delta", At(new() { ["delta"] = input }), output);
            }

            Event(isFree ? "response.custom_tool_call_input.done" : "response.function_call_arguments.done", At(new() { [isFree ? "input" : "arguments"] = input }), output);
            call = null;
            Finish(CallItem(ended, "completed", input), output);
        }
    }

    private void Finish(JsonObject item, IBufferWriter<byte> output)
    {
        Event("response.output_item.done", new() { ["output_index"] = items.Count, ["item"] = item.DeepClone() }, output);
        items.Add(item);
    }

    private void Event(string type, JsonObject fields, IBufferWriter<byte> output)
    {
        if (!stream)
        {
            return;
        }

        var data = new JsonObject { ["type"] = type, ["sequence_number"] = number++ };
        foreach (var (name, value) in fields.ToArray())
        {
            fields.Remove(name);
            data[name] = value;
        }

        WriteEvent(type, data, output);
    }

    private JsonObject At(JsonObject fields)
    {
        fields["item_id"] = inMessage ? MessageId : call is { } one ? CallId(one) : MessageId;
        fields["output_index"] = items.Count;
        return fields;
    }

    private static string CallId(ToolCallDraft call) => $"fc_{call.Id}";

    private JsonObject MessageItem(string status, JsonNode[] content) => new()
    {
        ["type"] = "message", ["id"] = MessageId, ["status"] = status, ["role"] = "assistant", ["content"] = new JsonArray(content),
    };

    private static JsonObject TextContent(string text) => new() { ["type"] = "output_text", ["text"] = text, ["annotations"] = new JsonArray() };

    private JsonObject CallItem(ToolCallDraft one, string status, string input)
    {
        var isFree = freeText.Contains(one.Name);
        return new()
        {
            ["type"] = isFree ? "custom_tool_call" : "function_call", ["id"] = CallId(one), ["call_id"] = one.Id, ["name"] = one.Name, [isFree ? "input" : "arguments"] = input, ["status"] = status,
        };
    }

    private static string FreeText(string arguments)
    {
        try
        {
            return JsonNode.Parse(arguments)?["input"].TextOrNull() ?? arguments;
        }
        catch (JsonException)
        {
            return arguments;
        }
    }

    private JsonObject Response(string status, LlmUsage? usage) => new()
    {
        ["id"] = ResponseId,
        ["object"] = "response",
        ["created_at"] = createdAt,
        ["status"] = status,
        ["error"] = null,
        ["incomplete_details"] = status == "incomplete" ? new JsonObject { ["reason"] = Stop is StopReason.Refusal ? "content_filter" : "max_output_tokens" } : null,
        ["instructions"] = null,
        ["max_output_tokens"] = null,
        ["model"] = Model,
        ["output"] = usage is null ? new JsonArray() : items.DeepClone(),
        ["parallel_tool_calls"] = true,
        ["previous_response_id"] = null,
        ["store"] = false,
        ["temperature"] = null,
        ["tool_choice"] = "auto",
        ["tools"] = new JsonArray(),
        ["top_p"] = null,
        ["truncation"] = "disabled",
        ["metadata"] = new JsonObject(),
        ["usage"] = usage is null ? null : new JsonObject
        {
            ["input_tokens"] = usage.Input,
            ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.CachedInput },
            ["output_tokens"] = usage.Output,
            ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0 },
            ["total_tokens"] = usage.Input + usage.Output,
        },
    };
}
