using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Requests;

namespace Obot.Gateway.Llm.Translation;

/// <summary>OpenAI, <c>POST responses</c>, for models that are reached by another door: whatever OpenAI keeps between calls is refused.</summary>
internal static class ResponsesRequestReader
{
    private const string To = "another door than OpenAI's Responses API";

    /// <summary>Translated, or a hint without which the answer is still an answer.</summary>
    private static readonly FrozenSet<string> Known = new[]
    {
        "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "temperature", "top_p", "stream", "stream_options", "user", "text", "reasoning", "background", "top_logprobs",
        "include", "store", "metadata", "service_tier", "truncation", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "client_metadata",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static Conversation Read(JsonObject body)
    {
        JsonAccess.CheckMembers(body, "", To, Known);
        if (body["background"].Flag() is true || body["top_logprobs"].Whole() != 0)
        {
            throw JsonAccess.Untranslatable(body["background"].Flag() is true ? "background" : "top_logprobs", To);
        }

        var conversation = new Conversation
        {
            Model = body["model"].Text("model"),
            MaxTokens = body["max_output_tokens"] is { } most ? most.Whole() : null,
            Temperature = body["temperature"].Number(),
            TopP = body["top_p"].Number(),
            Stream = body["stream"].Flag() ?? false,
            IncludeUsage = true,
            ParallelTools = body["parallel_tool_calls"].Flag(),
            User = body["user"].TextOrNull(),
            Effort = body["reasoning"]?["effort"].TextOrNull(),
        };
        if (body["instructions"].TextOrNull() is { } instructions)
        {
            conversation.System.Add(instructions);
        }

        if (body["text"]?["format"] is JsonObject format && format["type"].TextOrNull() is not (null or "text"))
        {
            conversation.Schema = format["type"].TextOrNull() == "json_schema" ? format["schema"]?.DeepClone() : throw JsonAccess.Untranslatable($"text.format.type ({format["type"]})", To);
            conversation.SchemaName = format["name"].TextOrNull();
        }

        ReadTools(body, conversation);
        ReadInput(body["input"], conversation);
        return conversation;
    }

    private static void ReadTools(JsonObject body, Conversation conversation)
    {
        var tools = body["tools"] as JsonArray ?? [];
        for (var i = 0; i < tools.Count; i++)
        {
            var tool = tools[i].Object($"tools[{i}]");
            var name = tool["name"].TextOrNull() ?? "";
            conversation.Tools.Add(tool["type"].TextOrNull() switch
            {
                "function" => new(name, tool["description"].TextOrNull(), tool["parameters"]?.DeepClone()),
                "custom" => new(name, tool["description"].TextOrNull(), JsonNode.Parse("""{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"""), IsFreeText: true),
                var type => throw JsonAccess.Untranslatable($"tools[{i}].type ({type})", To),
            });
        }

        conversation.ToolChoice = body["tool_choice"] switch
        {
            null => null,
            JsonObject one => one["type"].TextOrNull() is "function" or "custom" ? $"tool:{one["name"].Text("tool_choice.name")}" : throw JsonAccess.Untranslatable($"tool_choice.type ({one["type"]})", To),
            var word => word.Text("tool_choice"),
        };
    }

    private static void ReadInput(JsonNode? input, Conversation conversation)
    {
        if (input.TextOrNull() is { } text)
        {
            conversation.Add("user", new TextPart(text));
            return;
        }

        var items = input.Array("input");
        for (var i = 0; i < items.Count; i++)
        {
            ReadItem(items[i].Object($"input[{i}]"), $"input[{i}]", conversation);
        }
    }

    private static void ReadItem(JsonObject item, string path, Conversation conversation)
    {
        switch (item["type"].TextOrNull() ?? "message")
        {
            case "message":
                ReadMessage(item, path, conversation);
                break;
            case "function_call":
                conversation.Add("assistant", new ToolCallPart(item["call_id"].Text($"{path}.call_id"), item["name"].Text($"{path}.name"), item["arguments"].TextOrNull() is { Length: > 0 } arguments ? arguments : "{}"));
                break;
            case "custom_tool_call":
                conversation.Add("assistant", new ToolCallPart(
                    item["call_id"].Text($"{path}.call_id"), item["name"].Text($"{path}.name"), JsonSerializer.Serialize(new Dictionary<string, string>(StringComparer.Ordinal) { ["input"] = item["input"].TextOrNull() ?? "" })));
                break;
            case "function_call_output" or "custom_tool_call_output":
                conversation.Add("user", new ToolResultPart(item["call_id"].Text($"{path}.call_id"), Content(item["output"], $"{path}.output"), IsError: false));
                break;
            case "reasoning":
                // only the model that wrote it can read it
                break;
            case var type:
                throw JsonAccess.Untranslatable($"{path}.type ({type})", To);
        }
    }

    private static void ReadMessage(JsonObject item, string path, Conversation conversation)
    {
        var role = item["role"].Text($"{path}.role");
        var parts = Content(item["content"], $"{path}.content");
        if (role is "system" or "developer")
        {
            conversation.System.AddRange(parts.OfType<TextPart>().Select(part => part.Text));
            return;
        }

        if (role is not ("user" or "assistant"))
        {
            throw JsonAccess.Untranslatable($"{path}.role ({role})", To);
        }

        parts.ForEach(part => conversation.Add(role, part));
    }

    private static List<Part> Content(JsonNode? content, string path)
    {
        if (content.TextOrNull() is { } text)
        {
            return text.Length == 0 ? [] : [new TextPart(text)];
        }

        var parts = content.Array(path);
        return [.. parts.Select((part, i) => ReadPart(part.Object($"{path}[{i}]"), $"{path}[{i}]"))];
    }

    private static Part ReadPart(JsonObject part, string path) => part["type"].Text($"{path}.type") switch
    {
        "input_text" or "output_text" or "text" => new TextPart(part["text"].Text($"{path}.text")),
        "refusal" => new TextPart(part["refusal"].Text($"{path}.refusal")),
        "input_image" when part["image_url"].TextOrNull() is { } url => DataUrl.Read(url, null) with { Detail = part["detail"].TextOrNull() },
        "input_file" when part["file_data"].TextOrNull() is { } data => DataUrl.Read(data, part["filename"].TextOrNull() ?? "file"),
        var type => throw JsonAccess.Untranslatable($"{path}.type ({type})", To),
    };
}
