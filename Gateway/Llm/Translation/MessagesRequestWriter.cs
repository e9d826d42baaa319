using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Requests;

namespace Obot.Gateway.Llm.Translation;

/// <summary>A conversation as Anthropic's <c>messages</c> takes it.</summary>
internal static class MessagesRequestWriter
{
    /// <summary>Anthropic wants to be told; OpenAI's clients seldom say.</summary>
    private const long MaxTokens = 4096;

    public static JsonObject Write(Conversation conversation, string model)
    {
        var body = new JsonObject
        {
            ["model"] = model,
            ["max_tokens"] = conversation.MaxTokens ?? MaxTokens,
            ["messages"] = new JsonArray([.. conversation.Turns.Select(turn => new JsonObject { ["role"] = turn.Role, ["content"] = new JsonArray([.. turn.Parts.Select(Block)]) })]),
        };
        if (conversation.System.Count > 0)
        {
            body["system"] = string.Join("\n\n", conversation.System);
        }

        if (conversation.Tools.Count > 0)
        {
            body["tools"] = new JsonArray([.. conversation.Tools.Select(Tool)]);
            WriteChoice(body, conversation);
        }

        if (conversation.Temperature is { } temperature)
        {
            // OpenAI's scale ends at 2, Anthropic's at 1
            body["temperature"] = Math.Min(temperature, 1);
        }

        if (conversation.TopP is { } topP)
        {
            body["top_p"] = topP;
        }

        if (conversation.Stop.Count > 0)
        {
            body["stop_sequences"] = new JsonArray([.. conversation.Stop.Select(stop => JsonValue.Create(stop))]);
        }

        if (conversation.User is { } user)
        {
            body["metadata"] = new JsonObject { ["user_id"] = user };
        }

        if (conversation.Schema is { } schema)
        {
            body["output_config"] = new JsonObject { ["format"] = new JsonObject { ["type"] = "json_schema", ["schema"] = schema.DeepClone() } };
        }

        if (conversation.Stream)
        {
            body["stream"] = true;
        }

        return body;
    }

    private static void WriteChoice(JsonObject body, Conversation conversation)
    {
        var choice = conversation.ToolChoice switch
        {
            null when conversation.ParallelTools is false => new JsonObject { ["type"] = "auto" },
            null => null,
            "required" => new() { ["type"] = "any" },
            "auto" or "none" => new() { ["type"] = conversation.ToolChoice },
            var one when one.StartsWith("tool:", StringComparison.Ordinal) => new() { ["type"] = "tool", ["name"] = one[5..] },
            var word => throw JsonAccess.Untranslatable($"tool_choice ({word})", "Anthropic's Messages API"),
        };
        if (choice is null)
        {
            return;
        }

        if (conversation.ParallelTools is false && conversation.ToolChoice != "none")
        {
            choice["disable_parallel_tool_use"] = true;
        }

        body["tool_choice"] = choice;
    }

    private static JsonNode Block(Part part) => part switch
    {
        TextPart text => new JsonObject { ["type"] = "text", ["text"] = text.Text },
        MediaPart media => new JsonObject
        {
            ["type"] = media.FileName is null ? "image" : "document",
            ["source"] = media.MediaType is null
                ? new JsonObject { ["type"] = "url", ["url"] = media.Data }
                : new JsonObject { ["type"] = "base64", ["media_type"] = media.MediaType, ["data"] = media.Data },
        },
        ToolCallPart call => new JsonObject { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = Arguments(call) },
        ToolResultPart result => Result(result),
        _ => throw new InvalidOperationException(part.GetType().Name),
    };

    private static JsonObject Result(ToolResultPart result)
    {
        var block = new JsonObject { ["type"] = "tool_result", ["tool_use_id"] = result.CallId, ["content"] = new JsonArray([.. result.Content.Select(Block)]) };
        if (result.IsError)
        {
            block["is_error"] = true;
        }

        return block;
    }

    private static JsonObject Arguments(ToolCallPart call)
    {
        try
        {
            return JsonNode.Parse(call.Arguments) as JsonObject ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new LlmRequestException($"The arguments of tool call '{call.Id}' are no JSON object.", "tool_calls");
        }
    }

    private static JsonObject Tool(ToolOffer tool)
    {
        var offer = new JsonObject { ["name"] = tool.Name, ["input_schema"] = tool.Schema?.DeepClone() ?? new JsonObject { ["type"] = "object" } };
        if (tool.Description is { } description)
        {
            offer["description"] = description;
        }

        return offer;
    }
}
