using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Obot.SystemTests.Llm;

/// <summary>What <see cref="ScriptedProvider"/> says, byte for byte as the vendors' documentation shows it.</summary>
internal static partial class Scripts
{
    public const string Text = "Hello from the model";
    public const string OpenAiModels = """{"object":"list","data":[{"id":"gpt-test","object":"model","created":1,"owned_by":"openai"},{"id":"gpt-test-mini","object":"model","created":1,"owned_by":"openai"},{"id":"text-embedding-test","object":"model","created":1,"owned_by":"openai"}]}""";
    public const string AnthropicModels = """{"data":[{"type":"model","id":"claude-test","display_name":"Claude","created_at":"2026-01-01T00:00:00Z"}],"has_more":false,"first_id":"claude-test","last_id":"claude-test"}""";
    private const string Arguments = """{"city":"Wien","days":2}""";

    /// <summary>The word behind <c>script:</c> in the last thing that the user said.</summary>
    public static string Of(JsonObject body)
    {
        var last = (body["messages"] ?? body["input"]) is JsonArray { Count: > 0 } messages ? messages[^1]?.ToJsonString() : body["input"]?.ToJsonString();
        return Script().Match(last ?? "") is { Success: true } match ? match.Groups["word"].Value : "";
    }

    private static IEnumerable<string> Words(string script) =>
        script is "endless" or "long" ? Enumerable.Range(0, script == "long" ? 30 : 5000).Select(i => $"w{i} ") : Text.Split(' ').Select((word, i) => i == 0 ? word : " " + word);

    private static string Quote(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    public static string Chat(string model, string script) => script == "tool"
        ? $$"""{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"{{model}}","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":{{Quote(Arguments)}} } }]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19} }"""
        : $$"""{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"{{model}}","choices":[{"index":0,"message":{"role":"assistant","content":{{Quote(Text)}},"x_unknown":true},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":4,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":8} } }""";

    public static List<string> ChatStream(string model, string script, bool wantsUsage)
    {
        string Chunk(string delta, string finish = "null") => $$"""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"{{model}}","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}}}]{{(wantsUsage ? ",\"usage\":null" : "")}} }""" + "\n\n";
        List<string> events = [Chunk("""{"role":"assistant","content":""}""")];
        if (script == "tool")
        {
            events.Add(Chunk("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]}"""));
            events.AddRange(Arguments.Chunk(7).Select(part => Chunk($$"""{"tool_calls":[{"index":0,"function":{"arguments":{{Quote(new string(part))}} } }]}""")));
            events.Add(Chunk("{}", "\"tool_calls\""));
        }
        else
        {
            events.AddRange(Words(script).Select(word => Chunk($$"""{"content":{{Quote(word)}} }""")));
            events.Add(Chunk("{}", "\"stop\""));
        }

        if (wantsUsage)
        {
            events.Add($$"""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"{{model}}","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":4,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":8} } }""" + "\n\n");
        }

        events.Add("data: [DONE]\n\n");
        return events;
    }

    public static string Responses(string model, string script) => script == "tool"
        ? ResponseObject(model, "completed", $$"""[{"type":"function_call","id":"fc_1","call_id":"call_1","name":"weather","arguments":{{Quote(Arguments)}},"status":"completed"}]""")
        : ResponseObject(model, "completed", $$"""[{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":{{Quote(Text)}},"annotations":[]}]}]""");

    private static string ResponseObject(string model, string status, string output) =>
        $$"""{"id":"resp_1","object":"response","created_at":1,"status":"{{status}}","error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"{{model}}","output":{{output}},"parallel_tool_calls":true,"previous_response_id":null,"store":false,"temperature":1.0,"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{{(status == "completed" ? """{"input_tokens":12,"input_tokens_details":{"cached_tokens":8},"output_tokens":4,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":16}""" : "null")}},"metadata":{} }""";

    public static List<string> ResponsesStream(string model, string script)
    {
        var number = 0;
        string Event(string type, string fields) => $$"""event: {{type}}{{"\n"}}data: {"type":"{{type}}","sequence_number":{{number++}},{{fields}} }""" + "\n\n";
        List<string> events = [Event("response.created", $"\"response\":{ResponseObject(model, "in_progress", "[]")}")];
        events.Add(Event("response.output_item.added", """ "output_index":0,"item":{"type":"message","id":"msg_1","status":"in_progress","role":"assistant","content":[]}"""));
        events.Add(Event("response.content_part.added", """ "item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}"""));
        events.AddRange(Words(script).Select(word => Event("response.output_text.delta", $"\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":{Quote(word)}")));
        events.Add(Event("response.output_text.done", $"\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"text\":{Quote(Text)}"));
        events.Add(Event("response.output_item.done", $$""" "output_index":0,"item":{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":{{Quote(Text)}},"annotations":[]}]}"""));
        events.Add(Event("response.completed", $"\"response\":{Responses(model, "")}"));
        return events;
    }

    public static string Messages(string model, string script) => script == "tool"
        ? $$"""{"id":"msg_1","type":"message","role":"assistant","model":"{{model}}","content":[{"type":"tool_use","id":"toolu_1","name":"weather","input":{{Arguments}}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":8,"output_tokens":7} }"""
        : $$"""{"id":"msg_1","type":"message","role":"assistant","model":"{{model}}","content":[{"type":"text","text":{{Quote(Text)}}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":8,"output_tokens":4} }""";

    public static List<string> MessagesStream(string model, string script)
    {
        string Event(string type, string fields) => $$"""event: {{type}}{{"\n"}}data: {"type":"{{type}}"{{fields}} }""" + "\n\n";
        List<string> events =
        [
            Event("message_start", $$""","message":{"id":"msg_1","type":"message","role":"assistant","model":"{{model}}","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":8,"output_tokens":1} }"""),
        ];
        if (script == "tool")
        {
            events.Add(Event("content_block_start", ""","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}"""));
            events.AddRange(Arguments.Chunk(7).Select(part => Event("content_block_delta", $$""","index":0,"delta":{"type":"input_json_delta","partial_json":{{Quote(new string(part))}} }""")));
        }
        else
        {
            events.Add(Event("content_block_start", ""","index":0,"content_block":{"type":"text","text":""}"""));
            events.Add(Event("ping", ""));
            events.AddRange(Words(script).Select(word => Event("content_block_delta", $$""","index":0,"delta":{"type":"text_delta","text":{{Quote(word)}} }""")));
        }

        events.Add(Event("content_block_stop", ""","index":0"""));
        events.Add(Event("message_delta", $$""","delta":{"stop_reason":"{{(script == "tool" ? "tool_use" : "end_turn")}}","stop_sequence":null},"usage":{"output_tokens":{{(script == "tool" ? 7 : 4)}} }"""));
        events.Add(Event("message_stop", ""));
        return events;
    }

    /// <summary>A judge that suspects whatever speaks of money, and condemns only salaries; what it calls nonsense it does not judge.</summary>
    public static string Judgement(string model, string system, string said)
    {
        var verdict = said.Contains("nonsense", StringComparison.Ordinal) ? "I would rather not say."
            : system.Contains("numbered rules", StringComparison.Ordinal)
                ? said.Contains("money", StringComparison.Ordinal) || said.Contains("salary", StringComparison.Ordinal) ? """Sure: {"broken": [1]}""" : """{"broken": []}"""
                : said.Contains("salary", StringComparison.Ordinal) ? """{"breaks": true, "reason": "it asks for pay."}""" : """{"breaks": false, "reason": ""}""";
        return $$"""{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"{{model}}","choices":[{"index":0,"message":{"role":"assistant","content":{{Quote(verdict)}} },"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":9} }""";
    }

    /// <summary>One message of <c>application/vnd.amazon.eventstream</c> with an event of Anthropic's in it; nobody looks at its checksums.</summary>
    public static byte[] AwsMessage(string sse)
    {
        var data = sse.Split('\n').Single(line => line.StartsWith("data: ", StringComparison.Ordinal))[6..];
        var payload = System.Text.Encoding.UTF8.GetBytes($$"""{"bytes":"{{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(data))}}"}""");
        byte[] headers = [11, .. ":event-type"u8, 7, 0, 5, .. "chunk"u8];
        var message = new byte[12 + headers.Length + payload.Length + 4];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), headers.Length);
        headers.CopyTo(message, 12);
        payload.CopyTo(message, 12 + headers.Length);
        return message;
    }

    [GeneratedRegex("script:(?<word>[a-z0-9]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Script();
}
