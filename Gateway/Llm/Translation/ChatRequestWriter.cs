using System.Text.Json.Nodes;

namespace Obot.Gateway.Llm.Translation;

/// <summary>A conversation as <c>chat/completions</c> takes it.</summary>
internal static class ChatRequestWriter
{
    public static JsonObject Write(Conversation conversation, string model, bool usageInStreams)
    {
        var body = new JsonObject { ["model"] = model, ["messages"] = Messages(conversation) };
        if (conversation.Tools.Count > 0)
        {
            body["tools"] = new JsonArray([.. conversation.Tools.Select(Tool)]);
            if (conversation.ParallelTools is { } parallel)
            {
                body["parallel_tool_calls"] = parallel;
            }
        }

        if (conversation.ToolChoice is { } choice && conversation.Tools.Count > 0)
        {
            body["tool_choice"] = choice.StartsWith("tool:", StringComparison.Ordinal)
                ? new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = choice[5..] } }
                : choice;
        }

        Set(body, "max_completion_tokens", conversation.MaxTokens);
        Set(body, "temperature", conversation.Temperature);
        Set(body, "top_p", conversation.TopP);
        if (conversation.Stop.Count > 0)
        {
            body["stop"] = new JsonArray([.. conversation.Stop.Select(stop => JsonValue.Create(stop))]);
        }

        if (conversation.User is { } user)
        {
            body["user"] = user;
        }

        if (conversation.Effort is { } effort)
        {
            body["reasoning_effort"] = effort is "max" or "xhigh" ? "high" : effort;
        }

        if (conversation.Schema is { } schema)
        {
            body["response_format"] = new JsonObject
            {
                ["type"] = "json_schema",
                ["json_schema"] = new JsonObject { ["name"] = conversation.SchemaName ?? "answer", ["schema"] = schema.DeepClone(), ["strict"] = true },
            };
        }

        if (conversation.Stream)
        {
            body["stream"] = true;
            if (usageInStreams)
            {
                body["stream_options"] = new JsonObject { ["include_usage"] = true };
            }
        }

        return body;
    }

    private static JsonArray Messages(Conversation conversation)
    {
        var messages = new JsonArray();
        if (conversation.System.Count > 0)
        {
            messages.Add(new JsonObject { ["role"] = "system", ["content"] = string.Join("\n\n", conversation.System) });
        }

        foreach (var turn in conversation.Turns)
        {
            if (turn.Role == "assistant")
            {
                messages.Add(Assistant(turn));
                continue;
            }

            // results of tools are messages of their own, before what the user says beside them
            var rest = new List<Part>();
            foreach (var part in turn.Parts)
            {
                if (part is not ToolResultPart result)
                {
                    rest.Add(part);
                    continue;
                }

                var text = string.Join('\n', result.Content.OfType<TextPart>().Select(one => one.Text));
                messages.Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = result.CallId, ["content"] = result.IsError ? $"Error: {text}" : text });
                rest.AddRange(result.Content.OfType<MediaPart>());
            }

            if (rest.Count > 0)
            {
                messages.Add(new JsonObject { ["role"] = "user", ["content"] = rest is [TextPart only] ? only.Text : new JsonArray([.. rest.Select(Content)]) });
            }
        }

        return messages;
    }

    private static JsonObject Assistant(Turn turn)
    {
        var text = string.Concat(turn.Parts.OfType<TextPart>().Select(part => part.Text));
        var calls = turn.Parts.OfType<ToolCallPart>().ToList();
        var message = new JsonObject { ["role"] = "assistant", ["content"] = text.Length > 0 || calls.Count == 0 ? text : null };
        if (calls.Count > 0)
        {
            message["tool_calls"] = new JsonArray([.. calls.Select(call => new JsonObject
            {
                ["id"] = call.Id, ["type"] = "function", ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.Arguments },
            })]);
        }

        return message;
    }

    private static JsonObject Content(Part part) => part switch
    {
        TextPart text => new() { ["type"] = "text", ["text"] = text.Text },
        MediaPart { FileName: { } name } file => new() { ["type"] = "file", ["file"] = new JsonObject { ["filename"] = name, ["file_data"] = DataUrl.Write(file) } },
        MediaPart image => new() { ["type"] = "image_url", ["image_url"] = Image(image) },
        _ => throw new InvalidOperationException($"{part.GetType().Name} is no content of a user."),
    };

    private static JsonObject Image(MediaPart image)
    {
        var url = new JsonObject { ["url"] = DataUrl.Write(image) };
        if (image.Detail is { } detail)
        {
            url["detail"] = detail;
        }

        return url;
    }

    private static JsonObject Tool(ToolOffer tool)
    {
        var function = new JsonObject { ["name"] = tool.Name, ["parameters"] = tool.Schema?.DeepClone() ?? new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() } };
        if (tool.Description is { } description)
        {
            function["description"] = description;
        }

        return new() { ["type"] = "function", ["function"] = function };
    }

    private static void Set<T>(JsonObject body, string name, T? value)
        where T : struct
    {
        if (value is { } given)
        {
            body[name] = JsonValue.Create(given);
        }
    }
}
