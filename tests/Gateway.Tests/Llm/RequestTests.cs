using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Budgets;
using Obot.Gateway.Llm.Requests;

namespace Obot.Gateway.Tests.Llm;

public sealed class RequestTests
{
    [Theory]
    [InlineData("""{"model":"llm","messages":[]}""", """{"model":"gpt","messages":[]}""")]
    [InlineData("""{ "x" : [1,{"model":"not me"}], "model" : "l\u006cm" , "unknown":{"a":1e400} }""", """{ "x" : [1,{"model":"not me"}], "model" : "gpt" , "unknown":{"a":1e400} }""")]
    [InlineData("""{"m\u006fdel":"llm"}""", """{"m\u006fdel":"gpt"}""")]
    public void Model_IsReplacedInPlace_AndNothingElse(string body, string expected) => Assert.Equal(expected, Apply(body, askUsage: false));

    [Fact]
    public void Request_ThatNeedsNoChange_IsTheSameBytes()
    {
        ReadOnlyMemory<byte> body = Encoding.UTF8.GetBytes("""{"model":"gpt","stream":true,"stream_options":{"include_usage":true}}""");
        var edited = RequestEdit.Apply(body, RequestScan.Of(body.Span), "gpt", askUsage: true);
        Assert.True(body.Equals(edited));
    }

    [Theory]
    [InlineData("""{"model":"llm","stream":true}""")]
    [InlineData("""{"model":"llm","stream":true,"stream_options":{}}""")]
    [InlineData("""{"model":"llm","stream_options":{"include_usage":false},"stream":true}""")]
    [InlineData("""{"model":"llm","stream_options":null,"stream":true}""")]
    [InlineData("""{"model":"llm","stream_options":{ "include_obfuscation" : false },"stream":true}""")]
    public void Stream_IsAskedForUsage_OnceAndInValidJson(string body)
    {
        var edited = JsonNode.Parse(Apply(body, askUsage: true), documentOptions: new() { AllowDuplicateProperties = false })!;
        Assert.True(edited["stream_options"]!["include_usage"]!.GetValue<bool>());
        Assert.Equal("gpt", edited["model"]!.GetValue<string>());
        Assert.Equal(body.Contains("obfuscation", StringComparison.Ordinal), edited["stream_options"]!.AsObject().ContainsKey("include_obfuscation"));
    }

    [Theory]
    [InlineData("""{"model":"allowed","model":"forbidden"}""", "model")]
    [InlineData("""{"model":"allowed","m\u006fdel":"forbidden"}""", "model")]
    [InlineData("""{"model":"a","stream":false,"stream":true}""", "stream")]
    [InlineData("""{"model":["a"]}""", "model")]
    [InlineData("""{"model":"a","n":1024,"n":1}""", "n")]
    public void Attack_OfTwoRequestsInOne_IsRefusedByName(string body, string param) =>
        Assert.Equal(param, Assert.Throws<LlmRequestException>(() => RequestScan.Of(Encoding.UTF8.GetBytes(body))).Param);

    [Theory]
    [InlineData("[]")]
    [InlineData("\"model\"")]
    public void Body_ThatIsNoObject_IsRefused(string body) => Assert.Throws<LlmRequestException>(() => RequestScan.Of(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Body_ThatIsNoJson_IsRefused() => Assert.ThrowsAny<JsonException>(() => RequestScan.Of("{\"model\":"u8));

    [Fact]
    public void Scan_ReadsWhatABudgetNeeds()
    {
        var scan = RequestScan.Of(Encoding.UTF8.GetBytes($$"""{"model":"m","max_completion_tokens":50,"n":2,"temperature":0,"tools":[{}],"messages":[{"content":"{{new string('x', 3000)}}"},{"image_url":"data:{{new string('A', 100_000)}}"}]}"""));
        Assert.Equal((50L, 2L, 0d, true), (scan.MaxOutputTokens, scan.Choices, scan.Temperature, scan.HasTools));
        Assert.InRange(scan.InputTokens, 1000 + 1600, 1100 + 1600);
        Assert.InRange(RequestScan.Of(Encoding.UTF8.GetBytes($$"""{"model":"m","input":"{{new string('x', 3000)}}"}""")).InputTokens, 1000, 1100);
    }

    /// <summary>What overflows would set less than nothing aside, and open the budget for everybody.</summary>
    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("4611686018427387904")]
    [InlineData("1e300")]
    [InlineData("-5")]
    public void Attack_OfANumberOfTokensThatOverflows_SetsAsideNoLessThanNothing(string most)
    {
        var scan = RequestScan.Of(Encoding.UTF8.GetBytes($$"""{"model":"a","max_tokens":{{most}},"n":1024}"""));
        var cost = BudgetDesk.Cost(new(999_999, 999_999), scan.InputTokens, 0, scan.MaxOutputTokens!.Value * scan.Choices);
        Assert.True(cost is { Tokens: > 0, MicroUsd: > 0 });
        Assert.Equal(most == "-5", scan.MaxOutputTokens == 0);
    }

    /// <summary>A text without blanks costs as much as one with.</summary>
    [Theory]
    [InlineData("""{"model":"a","messages":[{"role":"user","content":"TEXT"}]}""", false)]
    [InlineData("""{"model":"a","input":"TEXT"}""", false)]
    [InlineData("""{"model":"a","input":["TEXT"]}""", false)]
    [InlineData("""{"model":"a","messages":[{"content":[{"url":"x"},{"type":"text","text":"TEXT"}]}]}""", false)]
    [InlineData("""{"model":"a","messages":[{"content":[{"type":"image_url","image_url":{"url":"TEXT"}}]}]}""", true)]
    [InlineData("""{"model":"a","messages":[{"content":[{"type":"image","source":{"type":"base64","data":"TEXT"}}]}]}""", true)]
    public void Attack_OfATextThatLooksLikeAFile_IsWeighedAsAText(string body, bool isFile)
    {
        var tokens = RequestScan.Of(Encoding.UTF8.GetBytes(body.Replace("TEXT", new string('y', 300_000), StringComparison.Ordinal))).InputTokens;
        Assert.Equal(isFile, tokens < 100_000);
    }

    private static string Apply(string body, bool askUsage)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        return Encoding.UTF8.GetString(RequestEdit.Apply(bytes, RequestScan.Of(bytes), "gpt", askUsage).Span);
    }
}
