using System.Buffers;
using System.Text;
using Obot.Gateway.Llm;
using Obot.Gateway.Llm.Answers;

namespace Obot.Gateway.Tests.Llm;

public sealed class AnswerFilterTests
{
    private const string Chat = "data: {\"choices\":[{\"delta\":{\"content\":\"a \\\"usage\\\": {\"}}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":4,\"prompt_tokens_details\":{\"cached_tokens\":8}}}\n\ndata: [DONE]\n\n";

    public static TheoryData<int> Sizes => [1, 2, 3, 7, 16, 64, 100_000];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Usage_ThatTheClientDidNotAskFor_IsReadAndTakenOut(int size)
    {
        var usage = new LlmUsage();
        var text = Run(new UsageTaker(usage), Chat, size);
        Assert.Equal(Chat.Replace("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":4,\"prompt_tokens_details\":{\"cached_tokens\":8}}}\n\n", "", StringComparison.Ordinal), text);
        Assert.Equal((12L, 4L, 8L), (usage.Input, usage.Output, usage.CachedInput));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Usage_OfMessages_IsSummedFromBothEvents(int size)
    {
        const string stream = "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":4,\"cache_creation_input_tokens\":2,\"cache_read_input_tokens\":8,\"output_tokens\":1}}}\r\n\r\n" +
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":9}}\n\n";
        var usage = new LlmUsage();
        Run(new StreamObserver(LlmDialect.Anthropic, usage), stream, size);
        Assert.Equal((14L, 9L, 8L), (usage.Input, usage.Output, usage.CachedInput));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Usage_OfResponses_IsInTheLastEvent(int size)
    {
        const string stream = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":12,\"input_tokens_details\":{\"cached_tokens\":3},\"output_tokens\":4}}}\n\n";
        var usage = new LlmUsage();
        Run(new StreamObserver(LlmDialect.OpenAi, usage), stream, size);
        Assert.Equal((12L, 4L, 3L), (usage.Input, usage.Output, usage.CachedInput));
    }

    [Fact]
    public void Break_WithinAnEvent_IsToldInOneOfItsOwn()
    {
        var output = new ArrayBufferWriter<byte>();
        var filter = new StreamObserver(LlmDialect.Anthropic, new());
        filter.Write("event: a\ndata: {\"x\":"u8, output);
        filter.Break(new(502, "provider_broke_off", "gone"), output);
        Assert.Equal("\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"gone\",\"type\":\"api_error\"}}\n\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void Usage_OfAWholeAnswer_IsReadWhereverItStands()
    {
        var usage = new LlmUsage();
        Run(new WholeObserver(usage), """{"usage":{"input_tokens":4,"output_tokens":7},"content":[{"text":"\"usage\":{\"output_tokens\":99}"}]}""", 10);
        Assert.Equal((4L, 7L), (usage.Input, usage.Output));
    }

    private static string Run(AnswerFilter filter, string text, int size)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var chunk in Encoding.UTF8.GetBytes(text).Chunk(size))
        {
            filter.Write(chunk, output);
        }

        filter.Complete(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
