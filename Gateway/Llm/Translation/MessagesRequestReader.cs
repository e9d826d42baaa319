using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Requests;

namespace Obot.Gateway.Llm.Translation;

/// <summary>Anthropic, <c>POST messages</c>.</summary>
internal static class MessagesRequestReader
{
    private const string To = "OpenAI's Chat Completions API";

    /// <summary>Translated, or a hint without which the answer is still an answer.</summary>
    private static readonly FrozenSet<string> Known = new[]
    {
        "model", "messages", "system", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "stop_sequences", "stream", "metadata", "output_config", "output_format",
        "thinking", "service_tier", "context_management", "cache_control", "inference_geo", "speed",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static Conversation Read(JsonObject body)
    {
        JsonAccess.CheckMembers(body, "", To, Known);
        var conversation = new Conversation
        {
            Model = body["model"].Text("model"),
            MaxTokens = body["max_tokens"] is { } most ? most.Whole() : null,
            Temperature = body["temperature"].Number(),
            TopP = body["top_p"].Number(),
            Stream = body["stream"].Flag() ?? false,
            User = body["metadata"]?["user_id"].TextOrNull(),
            Effort = body["output_config"]?["effort"].TextOrNull(),
        };
        if ((body["output_config"]?["format"] ?? body["output_format"]) is JsonObject format)
        {
            conversation.Schema = format["type"].TextOrNull() == "json_schema" ? format["schema"]?.DeepClone() : throw JsonAccess.Untranslatable("output_config.format.type", To);
        }

        conversation.Stop.AddRange((body["stop_sequences"] as JsonArray ?? []).Select((one, i) => one.Text($"stop_sequences[{i}]")));
        if (body["system"] is { } system)
        {
            conversation.System.AddRange(system.TextOrNull() is { } text ? [text] : system.Array("system").Select((part, i) => part?["text"].Text($"system[{i}].text") ?? ""));
        }

        ReadTools(body, conversation);
        var messages = body["messages"].Array("messages");
        for (var i = 0; i < messages.Count; i++)
        {
            ReadMessage(messages[i].Object($"messages[{i}]"), $"messages[{i}]", conversation);
        }

        return conversation;
    }

    private static void ReadTools(JsonObject body, Conversation conversation)
    {
        var tools = body["tools"] as JsonArray ?? [];
        for (var i = 0; i < tools.Count; i++)
        {
            var tool = tools[i].Object($"tools[{i}]");
            if (tool["type"].TextOrNull() is not (null or "custom"))
            {
                throw JsonAccess.Untranslatable($"tools[{i}].type ({tool["type"]})", To);
            }

            conversation.Tools.Add(new(tool["name"].Text($"tools[{i}].name"), tool["description"].TextOrNull(), tool["input_schema"]?.DeepClone()));
        }

        if (body["tool_choice"] is JsonObject choice)
        {
            conversation.ToolChoice = choice["type"].TextOrNull() switch
            {
                "auto" => "auto",
                "any" => "required",
                "none" => "none",
                "tool" => $"tool:{choice["name"].Text("tool_choice.name")}",
                var type => throw JsonAccess.Untranslatable($"tool_choice.type ({type})", To),
            };
            conversation.ParallelTools = choice["disable_parallel_tool_use"].Flag() is true ? false : null;
        }
    }

    private static void ReadMessage(JsonObject message, string path, Conversation conversation)
    {
        var role = message["role"].Text($"{path}.role");
        if (role == "system")
        {
            conversation.System.AddRange(Blocks(message["content"], $"{path}.content").OfType<TextPart>().Select(part => part.Text));
            return;
        }

        if (role is not ("user" or "assistant"))
        {
            throw JsonAccess.Untranslatable($"{path}.role ({role})", To);
        }

        foreach (var part in Blocks(message["content"], $"{path}.content"))
        {
            conversation.Add(role, part);
        }
    }

    private static List<Part> Blocks(JsonNode? content, string path)
    {
        if (content.TextOrNull() is { } text)
        {
            return text.Length == 0 ? [] : [new TextPart(text)];
        }

        var blocks = content.Array(path);
        return [.. blocks.Select((block, i) => ReadBlock(block.Object($"{path}[{i}]"), $"{path}[{i}]")).OfType<Part>()];
    }

    /// <returns>Null for what only the model that wrote it can read: its thinking.</returns>
    private static Part? ReadBlock(JsonObject block, string path) => block["type"].Text($"{path}.type") switch
    {
        "text" => new TextPart(block["text"].Text($"{path}.text")),
        "image" => Source(block["source"].Object($"{path}.source"), $"{path}.source", null),
        "document" => Source(block["source"].Object($"{path}.source"), $"{path}.source", block["title"].TextOrNull() ?? "document"),
        "tool_use" => new ToolCallPart(block["id"].Text($"{path}.id"), block["name"].Text($"{path}.name"), (block["input"] ?? new JsonObject()).ToJsonString()),
        "tool_result" => new ToolResultPart(block["tool_use_id"].Text($"{path}.tool_use_id"), block["content"] is null ? [] : Blocks(block["content"], $"{path}.content"), block["is_error"].Flag() ?? false),
        "thinking" or "redacted_thinking" => null,
        var type => throw JsonAccess.Untranslatable($"{path}.type ({type})", To),
    };

    private static Part Source(JsonObject source, string path, string? fileName) => source["type"].Text($"{path}.type") switch
    {
        "base64" => new MediaPart(source["media_type"].Text($"{path}.media_type"), source["data"].Text($"{path}.data"), fileName),
        "url" when fileName is null => new MediaPart(null, source["url"].Text($"{path}.url")),
        "text" => new TextPart(source["data"].Text($"{path}.data")),
        var type => throw JsonAccess.Untranslatable($"{path}.type ({type})", To),
    };
}
