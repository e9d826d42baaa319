using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Translation;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Messages;

/// <summary>What a person says, and what a model wants to do, in the words of each door.</summary>
internal static class MessageTexts
{
    /// <summary>All that the user says in the request, the latest last.</summary>
    public static List<string> OfUser(LlmOperation operation, ReadOnlyMemory<byte> body)
    {
        var request = JsonAccess.Parse(body.Span);
        var said = new List<string>();
        var list = operation is LlmOperation.Chat or LlmOperation.Messages ? request["messages"] : request["input"];
        switch (list)
        {
            case JsonArray items:
                foreach (var item in items)
                {
                    if (item.TextOrNull() is { } text)
                    {
                        said.Add(text);
                    }
                    else if (item is JsonObject one && one["role"].TextOrNull() == "user")
                    {
                        Add(one["content"], said);
                    }
                }

                break;
            default:
                Add(list, said);
                break;
        }

        return said;
    }

    /// <summary>Each tool call of an answer as <c>name arguments</c>.</summary>
    /// <exception cref="JsonException">The answer is none.</exception>
    public static List<string> OfToolCalls(LlmOperation operation, bool isStream, ReadOnlyMemory<byte> answer)
    {
        var reader = operation == LlmOperation.Messages ? (IAnswerReader)new MessagesAnswerReader() : new ChatAnswerReader();
        var calls = new Collector();
        if (!isStream)
        {
            if (operation == LlmOperation.Responses)
            {
                return Items(JsonAccess.Parse(answer.Span)["output"]);
            }

            calls.Take(operation == LlmOperation.Embeddings ? [] : reader.Whole(answer));
            return calls.All;
        }

        var splitter = new EventSplitter();
        var found = new List<string>();
        EventSplitter.Handler handler = (_, data) =>
        {
            if (data.IsEmpty || data.SequenceEqual("[DONE]"u8))
            {
                return;
            }

            if (operation == LlmOperation.Responses)
            {
                var item = JsonAccess.Parse(data);
                found.AddRange(item["type"].TextOrNull() == "response.output_item.done" ? Items(new JsonArray(item["item"]?.DeepClone())) : []);
                return;
            }

            calls.Take(reader.Event(data.ToArray()));
        };
        splitter.Feed(answer.Span, handler);
        splitter.Complete(handler);
        return [.. found, .. calls.All];
    }

    private static List<string> Items(JsonNode? output) => [.. (output as JsonArray ?? []).OfType<JsonObject>()
        .Where(item => item["type"].TextOrNull() is { } type && type.EndsWith("_call", StringComparison.Ordinal))
        .Select(item => $"{item["name"].TextOrNull() ?? item["type"].TextOrNull()} {item["arguments"].TextOrNull() ?? item["input"].TextOrNull() ?? item["action"]?.ToJsonString() ?? ""}")];

    private static void Add(JsonNode? content, List<string> said)
    {
        if (content.TextOrNull() is { } text)
        {
            said.Add(text);
        }

        foreach (var part in content as JsonArray ?? [])
        {
            if (part?["text"].TextOrNull() is { } one)
            {
                said.Add(one);
            }
        }
    }

    private sealed class Collector
    {
        private readonly List<ToolCallDraft> calls = [];

        public List<string> All => [.. calls.Select(call => $"{call.Name} {call.Arguments}")];

        public void Take(IEnumerable<AnswerPart> parts)
        {
            foreach (var part in parts)
            {
                if (part is ToolCallStarted started)
                {
                    calls.Add(new(started.Index, started.Id, started.Name));
                }
                else if (part is ArgumentsArrived arguments)
                {
                    calls.Find(call => call.Index == arguments.Index)?.Json.Append(arguments.Json);
                }
            }
        }
    }
}
