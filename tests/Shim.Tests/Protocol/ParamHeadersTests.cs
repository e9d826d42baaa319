using System.Text;
using System.Text.Json;
using Obot.Shim.Protocol;

namespace Obot.Shim.Tests.Protocol;

public sealed class ParamHeadersTests
{
    private const string Schema = """
        {"type":"object","properties":{
          "text":{"type":"string","x-mcp-header":"Text"},
          "count":{"type":["integer","null"],"x-mcp-header":"Count"},
          "ratio":{"type":"number","x-mcp-header":"Ratio"},
          "flag":{"type":"boolean","x-mcp-header":"Flag"},
          "place":{"type":"object","properties":{"city":{"type":"string","x-mcp-header":"City"}}},
          "list":{"type":"array","items":{"properties":{"a":{"x-mcp-header":"Item"}}}},
          "bad":{"type":"string","x-mcp-header":"no token"},
          "empty":{"type":"string","x-mcp-header":""},
          "odd":{"type":"string","x-mcp-header":7} } }
        """;

    [Theory]
    [InlineData("""{"text":"a b"}""", "Text", "a b")]
    [InlineData("""{"text":"SGVsbG8="}""", "Text", "SGVsbG8=")]
    [InlineData("""{"text":"=?base64?SGVsbG8="}""", "Text", "=?base64?SGVsbG8=")]
    [InlineData("""{"text":"Hello"}""", "Text", "=?base64?SGVsbG8=?=")]
    [InlineData("""{"text":"=?BASE64?x?="}""", "Text", "=?BASE64?x?=")]
    [InlineData("""{"text":""}""", "Text", "")]
    [InlineData("""{"text":null}""", "Text", null)]
    [InlineData("{}", "Text", null)]
    [InlineData("", "Text", null)]
    [InlineData("""{"count":42}""", "Count", "42")]
    [InlineData("""{"count":42.0}""", "Count", "4.2e1")]
    [InlineData("""{"count":-9007199254740991}""", "Count", "-9007199254740991")]
    [InlineData("""{"ratio":1.50}""", "Ratio", "1.5")]
    [InlineData("""{"ratio":1e300}""", "Ratio", "1e300")]
    [InlineData("""{"flag":true}""", "Flag", "true")]
    [InlineData("""{"place":{"city":"Bern"}}""", "City", "Bern")]
    [InlineData("""{"place":7}""", "City", null)]
    [InlineData("""{"list":[{"a":"x"}],"bad":"x","empty":"x","odd":"x"}""", "Item", "anything")]
    public void Header_ThatRepeatsItsArgument_Matches(string arguments, string name, string? value) => Assert.Null(Mismatch(arguments, name, value));

    [Theory]
    [InlineData("""{"text":"a"}""", "Text", "A")]
    [InlineData("""{"text":"a"}""", "Text", null)]
    [InlineData("""{"text":null}""", "Text", "a")]
    [InlineData("{}", "Text", "a")]
    [InlineData("", "Text", "a")]
    [InlineData("""{"text":"é"}""", "Text", "é")]
    [InlineData("""{"text":"Hello"}""", "Text", "=?base64?SGVsbG8?=")]
    [InlineData("""{"text":"Hello"}""", "Text", "=?base64?SGVs!!!bG8=?=")]
    [InlineData("""{"text":"\ufffd"}""", "Text", "=?base64?/w==?=")]
    [InlineData("""{"text":"\ud800"}""", "Text", "x")]
    [InlineData("""{"text":"a","text":"b"}""", "Text", "a")]
    [InlineData("""{"text":"a","t\u0065xt":"b"}""", "Text", "b")]
    [InlineData("""{"count":42}""", "Count", "43")]
    [InlineData("""{"count":42.5}""", "Count", "42.5")]
    [InlineData("""{"count":9007199254740992}""", "Count", "9007199254740992")]
    [InlineData("""{"count":1e300}""", "Count", "1e300")]
    [InlineData("""{"count":"42"}""", "Count", "42.0")]
    [InlineData("""{"flag":true}""", "Flag", "True")]
    [InlineData("""{"place":{"city":"Bern"}}""", "City", "Basel")]
    [InlineData("""{"place":{"city":"Bern"}}""", "City", null)]
    public void Header_ThatDiffersFromItsArgument_DoesNotMatch(string arguments, string name, string? value) => Assert.NotNull(Mismatch(arguments, name, value));

    private static string? Mismatch(string arguments, string name, string? value)
    {
        using var schema = JsonDocument.Parse(Schema);
        return ParamHeaders.Mismatch(
            MirroredParameter.Of(schema.RootElement), Encoding.UTF8.GetBytes(arguments),
            header => string.Equals(header, $"Mcp-Param-{name}", StringComparison.Ordinal) ? value : null);
    }
}
