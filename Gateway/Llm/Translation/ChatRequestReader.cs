using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Requests;

namespace Obot.Gateway.Llm.Translation;

/// <summary>OpenAI, <c>POST chat/completions</c>.</summary>
internal static class ChatRequestReader
{
    private const string To = "Anthropic's Messages API";

    /// <summary>Translated, or a hint without which the answer is still an answer.</summary>
    private static readonly FrozenSet<string> Known = new[]
    {
        "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "stream", "stream_options", "user", "response_format",
        "reasoning_effort", "n", "presence_penalty", "frequency_penalty", "logprobs", "modalities",
        "seed", "store", "metadata", "service_tier", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "verbosity",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static Conversation Read(JsonObject body)
    {
        JsonAccess.CheckMembers(body, "", To, Known);
        CheckValues(body);
        var conversation = new Conversation
        {
            Model = body["model"].Text("model"),
            MaxTokens = (body["max_completion_tokens"] ?? body["max_tokens"]) is { } most ? most.Whole() : null,
            Temperature = body["temperature"].Number(),
            TopP = body["top_p"].Number(),
            Stream = body["stream"].Flag() ?? false,
            IncludeUsage = body["stream_options"]?["include_usage"].Flag() ?? false,
            ParallelTools = body["parallel_tool_calls"].Flag(),
            User = body["user"].TextOrNull(),
            Effort = body["reasoning_effort"].TextOrNull(),
        };
        conversation.Stop.AddRange(body["stop"] switch { JsonArray several => several.Select((one, i) => one.Text($"stop[{i}]")), null => [], var one => [one.Text("stop")] });
        ReadFormat(body["response_format"], conversation);
        ReadTools(body, conversation);
        var messages = body["messages"].Array("messages");
        for (var i = 0; i < messages.Count; i++)
        {
            ReadMessage(messages[i].Object($"messages[{i}]"), $"messages[{i}]", conversation);
        }

        return conversation;
    }

    private static void CheckValues(JsonObject body)
    {
        if (body["n"] is { } n && n.Whole() != 1)
        {
            throw JsonAccess.Untranslatable("n", To);
        }

        if (body["logprobs"].Flag() is true)
        {
            throw JsonAccess.Untranslatable("logprobs", To);
        }

        foreach (var penalty in new[] { "presence_penalty", "frequency_penalty" })
        {
            if (body[penalty].Number() is not (null or 0))
            {
                throw JsonAccess.Untranslatable(penalty, To);
            }
        }

        if (body["modalities"] is JsonArray modalities && modalities.Any(modality => modality.TextOrNull() != "text"))
        {
            throw JsonAccess.Untranslatable("modalities", To);
        }
    }

    private static void ReadFormat(JsonNode? format, Conversation conversation)
    {
        switch (format?["type"].TextOrNull())
        {
            case null or "text":
                break;
            case "json_schema":
                conversation.Schema = format["json_schema"]?["schema"]?.DeepClone();
                conversation.SchemaName = format["json_schema"]?["name"].TextOrNull();
                break;
            case var type:
                throw JsonAccess.Untranslatable($"response_format.type ({type})", To);
        }
    }

    private static void ReadTools(JsonObject body, Conversation conversation)
    {
        if (body["tools"] is JsonArray tools)
        {
            for (var i = 0; i < tools.Count; i++)
            {
                if (tools[i]?["type"].TextOrNull() != "function")
                {
                    throw JsonAccess.Untranslatable($"tools[{i}].type ({tools[i]?["type"]})", To);
                }

                var function = tools[i]!["function"].Object($"tools[{i}].function");
                conversation.Tools.Add(new(function["name"].Text($"tools[{i}].function.name"), function["description"].TextOrNull(), function["parameters"]?.DeepClone()));
            }
        }

        conversation.ToolChoice = body["tool_choice"] switch
        {
            null => null,
            JsonObject one => one["type"].TextOrNull() == "function" ? $"tool:{one["function"]?["name"].Text("tool_choice.function.name")}" : throw JsonAccess.Untranslatable($"tool_choice.type ({one["type"]})", To),
            var word => word.Text("tool_choice"),
        };
    }

    private static void ReadMessage(JsonObject message, string path, Conversation conversation)
    {
        switch (message["role"].Text($"{path}.role"))
        {
            case "system" or "developer":
                conversation.System.AddRange(Content(message["content"], $"{path}.content").OfType<TextPart>().Select(part => part.Text));
                break;
            case "user":
                foreach (var part in Content(message["content"], $"{path}.content"))
                {
                    conversation.Add("user", part);
                }

                break;
            case "assistant":
                ReadAssistant(message, path, conversation);
                break;
            case "tool":
                conversation.Add("user", new ToolResultPart(message["tool_call_id"].Text($"{path}.tool_call_id"), Content(message["content"], $"{path}.content"), IsError: false));
                break;
            case var role:
                throw JsonAccess.Untranslatable($"{path}.role ({role})", To);
        }
    }

    private static void ReadAssistant(JsonObject message, string path, Conversation conversation)
    {
        if (message["audio"] is not null || message["function_call"] is not null)
        {
            throw JsonAccess.Untranslatable($"{path}.{(message["audio"] is not null ? "audio" : "function_call")}", To);
        }

        foreach (var part in message["content"] is null ? [] : Content(message["content"], $"{path}.content"))
        {
            conversation.Add("assistant", part);
        }

        var calls = message["tool_calls"] as JsonArray ?? [];
        for (var i = 0; i < calls.Count; i++)
        {
            var function = calls[i]?["function"].Object($"{path}.tool_calls[{i}].function")!;
            conversation.Add("assistant", new ToolCallPart(
                calls[i]!["id"].Text($"{path}.tool_calls[{i}].id"), function["name"].Text($"{path}.tool_calls[{i}].function.name"), function["arguments"].TextOrNull() is { Length: > 0 } arguments ? arguments : "{}"));
        }
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
        "text" => new TextPart(part["text"].Text($"{path}.text")),
        "refusal" => new TextPart(part["refusal"].Text($"{path}.refusal")),
        "image_url" => DataUrl.Read(part["image_url"]?["url"].Text($"{path}.image_url.url") ?? "", null) with { Detail = part["image_url"]?["detail"].TextOrNull() },
        "file" when part["file"]?["file_data"].TextOrNull() is { } data => DataUrl.Read(data, part["file"]?["filename"].TextOrNull() ?? "file"),
        var type => throw JsonAccess.Untranslatable($"{path}.type ({type})", To),
    };
}

/// <summary>RFC 2397, as OpenAI's clients send images.</summary>
internal static class DataUrl
{
    public static MediaPart Read(string url, string? fileName)
    {
        if (!url.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
        {
            return fileName is null ? new(null, url) : throw new LlmRequestException("'file.file_data' must be a data URL.", "file.file_data");
        }

        var comma = url.IndexOf(',', StringComparison.Ordinal);
        var head = comma < 0 ? "" : url[5..comma];
        return head.EndsWith(";base64", StringComparison.OrdinalIgnoreCase)
            ? new(head[..^7], url[(comma + 1)..], fileName)
            : throw new LlmRequestException("A data URL must be Base64: 'data:image/png;base64,…'.", "image_url.url");
    }

    public static string Write(MediaPart media) => media.MediaType is null ? media.Data : $"data:{media.MediaType};base64,{media.Data}";
}
