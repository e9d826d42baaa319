using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Requests;
using Obot.Gateway.Llm.Translation;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

/// <summary>Golden cases: one request or answer in one vendor's words, the same in the other's.</summary>
public sealed class TranslationTests
{
    public static TheoryData<string> Requests => Names("requests");

    public static TheoryData<string> Answers => Names("answers");

    [Theory]
    [MemberData(nameof(Requests))]
    public void Request_IsSaidInTheOtherVendorsWords(string name)
    {
        var golden = Read("requests", name);
        var (asked, spoken) = (Enum.Parse<LlmOperation>(golden["asked"]!.GetValue<string>()), Enum.Parse<LlmOperation>(golden["spoken"]!.GetValue<string>()));
        var said = Translator.Of(asked, spoken, Encoding.UTF8.GetBytes(golden["request"]!.ToJsonString())).Request("target", usageInStreams: true);
        AssertSame(golden["expected"]!, JsonNode.Parse(said)!);
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public void Answer_IsSaidInTheCallersWords_WhereverChunksEnd(string name)
    {
        var golden = Read("answers", name);
        var (asked, spoken) = (Enum.Parse<LlmOperation>(golden["asked"]!.GetValue<string>()), Enum.Parse<LlmOperation>(golden["spoken"]!.GetValue<string>()));
        var request = golden["request"]?.ToJsonString() ?? (asked == LlmOperation.Responses ? """{"model":"m","input":"x","stream":true}""" : """{"model":"m","messages":[],"stream":true,"max_tokens":9}""");
        var isEvents = golden["events"] is not null;
        var answer = isEvents ? string.Concat(golden["events"]!.AsArray().Select(data => $"event: x\ndata: {(data is JsonValue ? data.GetValue<string>() : data!.ToJsonString())}\n\n")) : golden["whole"]!.ToJsonString();
        foreach (var size in new[] { 1, 5, 64, 100_000 })
        {
            var usage = new LlmUsage();
            var filter = Translator.Of(asked, spoken, Encoding.UTF8.GetBytes(request)).Answer(asked == LlmOperation.Messages ? LlmDialect.Anthropic : LlmDialect.OpenAi, usage, isEvents, createdAt: 1);
            var output = new ArrayBufferWriter<byte>();
            foreach (var chunk in Encoding.UTF8.GetBytes(answer).Chunk(size))
            {
                filter.Write(chunk, output);
            }

            filter.Complete(output);
            var said = Encoding.UTF8.GetString(output.WrittenSpan);
            var actual = isEvents ? new JsonArray([.. Data(said)]) : JsonNode.Parse(said)!;
            AssertSame(golden["expected"]!, actual);
            Assert.Equal(golden["tokens"]!.AsArray().Select(one => one!.GetValue<long>()), [usage.Input, usage.CachedInput, usage.Output]);
        }
    }

    [Theory]
    [InlineData(LlmOperation.Chat, LlmOperation.Messages, """{"model":"m","messages":[],"n":2}""", "n")]
    [InlineData(LlmOperation.Chat, LlmOperation.Messages, """{"model":"m","messages":[],"logit_bias":{"1":2}}""", "logit_bias")]
    [InlineData(LlmOperation.Chat, LlmOperation.Messages, """{"model":"m","messages":[],"some_future_field":1}""", "some_future_field")]
    [InlineData(LlmOperation.Chat, LlmOperation.Messages, """{"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}""", "messages[0].content[0].type (input_audio)")]
    [InlineData(LlmOperation.Chat, LlmOperation.Messages, """{"model":"m","messages":[],"response_format":{"type":"json_object"}}""", "response_format.type (json_object)")]
    [InlineData(LlmOperation.Messages, LlmOperation.Chat, """{"model":"m","messages":[],"top_k":5}""", "top_k")]
    [InlineData(LlmOperation.Messages, LlmOperation.Chat, """{"model":"m","messages":[],"tools":[{"type":"web_search_20250305","name":"web_search"}]}""", "tools[0].type (web_search_20250305)")]
    [InlineData(LlmOperation.Responses, LlmOperation.Chat, """{"model":"m","input":"x","previous_response_id":"resp_1"}""", "previous_response_id")]
    [InlineData(LlmOperation.Responses, LlmOperation.Messages, """{"model":"m","input":[{"type":"item_reference","id":"x"}]}""", "input[0].type (item_reference)")]
    public void Request_ThatHasNoWordsThere_IsRefusedByName(LlmOperation asked, LlmOperation spoken, string request, string param) =>
        Assert.Equal(param, Assert.Throws<LlmRequestException>(() => Translator.Of(asked, spoken, Encoding.UTF8.GetBytes(request)).Request("target", usageInStreams: true)).Param);

    [Fact]
    public void Error_OfTheProvider_IsSaidInTheCallersWords()
    {
        var output = new ArrayBufferWriter<byte>();
        var filter = new ErrorTranslator(LlmDialect.Anthropic, 429);
        filter.Write("""{"error":{"message":"slow down","type":"rate_limit_error","code":"x"}}"""u8, output);
        filter.Complete(output);
        Assert.Equal("""{"type":"error","error":{"message":"slow down","type":"rate_limit_error"}}""", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    private static IEnumerable<JsonNode?> Data(string stream) => stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
        .Select(one => one.Split('\n').Single(line => line.StartsWith("data: ", StringComparison.Ordinal))[6..])
        .Select(data => data == "[DONE]" ? JsonValue.Create(data) : JsonNode.Parse(data));

    private static void AssertSame(JsonNode expected, JsonNode actual)
    {
        if (!JsonNode.DeepEquals(expected, actual))
        {
            Assert.Equal(expected.ToJsonString(new() { WriteIndented = true }), actual.ToJsonString(new() { WriteIndented = true }));
        }
    }

    private static JsonNode Read(string kind, string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Llm", "Golden", kind, name + ".json")))!;

    private static TheoryData<string> Names(string kind) => new(Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Llm", "Golden", kind), "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal));
}
