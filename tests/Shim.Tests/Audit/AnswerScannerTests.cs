using System.Text;
using Obot.Shim.Guard.Audit;

namespace Obot.Shim.Tests.Audit;

public sealed class AnswerScannerTests
{
    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"isError\": true"}],"isError":false}}""", true, false, false, 0, "")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{"content":[{"isError":true}]}}""", true, false, false, 0, "")]
    [InlineData("""{"result" : { "isError" : true , "content" : [ ] } , "id" : 1 }""", true, false, true, 0, "")]
    [InlineData("""{"id":1,"error":{"code":-32602,"message":"no \"such\" tööl","data":{"message":"other","code":7}}}""", true, true, false, -32602, "no \"such\" tööl")]
    [InlineData("""{"error":{"data":[{"code":1}],"message":"a","code":42}}""", true, true, false, 42, "a")]
    [InlineData("""{"method":"notifications/progress","params":{"result":{},"error":{"code":1}}}""", false, false, false, 0, "")]
    [InlineData("""{"id":1,"method":"elicitation/create","params":{"message":"result"}}""", false, false, false, 0, "")]
    [InlineData("""{"x\"result":{},"id":"result","k":"error"}""", false, false, false, 0, "")]
    [InlineData("""[{"result":{}}]""", false, false, false, 0, "")]
    public void Answer_InAnyPieces_IsUnderstood(string json, bool isAnswer, bool hasError, bool isToolError, long code, string message)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        for (var piece = 1; piece <= bytes.Length; piece++)
        {
            var scanner = new AnswerScanner();
            foreach (var part in bytes.Chunk(piece))
            {
                scanner.Feed(part);
            }

            Assert.Equal((isAnswer, hasError, isToolError, code, message), (scanner.IsAnswer, scanner.HasError, scanner.IsToolError, scanner.ErrorCode, scanner.ErrorMessage));
        }
    }

    [Fact]
    public void Message_TooLong_IsCutAtACharacter()
    {
        foreach (var filler in (string[])["a", "ä", "\\n", "\\u00e4", "\\\\", "😀"])
        {
            for (var shift = 0; shift < 7; shift++)
            {
                var scanner = new AnswerScanner();
                scanner.Feed(Encoding.UTF8.GetBytes("{\"error\":{\"message\":\"" + new string('x', shift) + string.Concat(Enumerable.Repeat(filler, 600)) + "\"}}"));
                Assert.StartsWith(new string('x', shift), scanner.ErrorMessage, StringComparison.Ordinal);
                Assert.DoesNotContain('\uFFFD', scanner.ErrorMessage);
                Assert.InRange(scanner.ErrorMessage.Length, 70, 500);
            }
        }
    }

    [Theory]
    [InlineData("data: {\"method\":\"notifications/progress\"}\n\nid: 1\nevent: message\ndata: {\"id\":1,\"result\":{}}\n\n: rest", "data: {\"id\":1,\"result\":{}}\n\n")]
    [InlineData(": hello\r\n\r\ndata:{\"id\":1,\r\ndata:\"error\":{\"code\":5,\"message\":\"m\"}}\r\n\r\n", "\"m\"}}\r\n\r")]
    [InlineData("data: {\"result\":1}\r\r", "1}\r\r")]
    public void Stream_InAnyPieces_EndsItsCallWithTheEventOfTheAnswer(string stream, string until)
    {
        var bytes = Encoding.UTF8.GetBytes(stream);
        var end = stream.IndexOf(until, StringComparison.Ordinal) + until.Length;
        for (var piece = 1; piece <= bytes.Length; piece++)
        {
            var scanner = new EventScanner(new());
            var at = 0;
            foreach (var part in bytes.Chunk(piece))
            {
                at += part.Length;
                if (scanner.Feed(part))
                {
                    break;
                }
            }

            Assert.InRange(at, end, Math.Min(bytes.Length, end + piece - 1));
        }
    }

    [Fact]
    public void Stream_WithoutAnAnswer_DoesNotEnd() =>
        Assert.False(new EventScanner(new()).Feed("data: {\"id\":1,\"result\":{}}\n"u8) || new EventScanner(new()).Feed("data: {\"method\":\"m\"}\n\ndatax: {\"result\":1}\n\n"u8));
}
