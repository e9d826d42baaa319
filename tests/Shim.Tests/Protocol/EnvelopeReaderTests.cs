using System.Buffers;
using System.Text;
using Obot.Shim.Protocol;

namespace Obot.Shim.Tests.Protocol;

public sealed class EnvelopeReaderTests
{
    [Fact]
    public void Request_WithAllMembers_GivesRangesOfRawTokens()
    {
        var json = """ {"jsonrpc":"2.0", "id" : "a\u0062" ,"method":"tools/call","params":{"name":"caf\u00e9","_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"arguments":{"name":"other","_meta":1}}} """u8;
        var envelope = EnvelopeReader.Read(json);

        Assert.Equal(EnvelopeKind.Request, envelope.Kind);
        Assert.True(envelope.IsVersion2);
        Assert.Equal("tools/call", envelope.Method);
        Assert.Equal(IdKind.String, envelope.IdKind);
        Assert.Equal("""
            "a\u0062"
            """, Text(json, envelope.Id));
        Assert.Equal("7", Text(json, envelope.ProgressToken));
        Assert.Equal("café", JsonText.Read(json, envelope.Name));
        Assert.Equal("2026-07-28", JsonText.Read(json, envelope.ProtocolVersion));
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{}}""", (int)EnvelopeKind.Response)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":null}""", (int)EnvelopeKind.Response)]
    [InlineData("""{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}""", (int)EnvelopeKind.Response)]
    [InlineData("""{"jsonrpc":"2.0","method":"x"}""", (int)EnvelopeKind.Notification)]
    [InlineData("""{"jsonrpc":"2.0","id":1.5,"method":"x","params":[1]}""", (int)EnvelopeKind.Request)]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"x"}]""", (int)EnvelopeKind.Batch)]
    [InlineData("""{"jsonrpc":"2.0","id":null,"method":"x"}""", (int)EnvelopeKind.Invalid)]
    [InlineData("""{"jsonrpc":"2.0","id":{},"method":"x"}""", (int)EnvelopeKind.Invalid)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"x","result":{}}""", (int)EnvelopeKind.Invalid)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":5}""", (int)EnvelopeKind.Invalid)]
    [InlineData("""{"jsonrpc":"2.0","id":1}""", (int)EnvelopeKind.Invalid)]
    [InlineData("17", (int)EnvelopeKind.Invalid)]
    public void Message_OfEachShape_HasItsKind(string json, int kind) =>
        Assert.Equal((EnvelopeKind)kind, EnvelopeReader.Read(Encoding.UTF8.GetBytes(json)).Kind);

    [Theory]
    [InlineData("""{"id":1,"id":2,"method":"x"}""")]
    [InlineData("""{"id":1,"method":"x","\u006dethod":"y"}""")]
    [InlineData("""{"id":1,"method":"x","params":{"name":"a","na\u006de":"b"}}""")]
    [InlineData("""{"id":1,"method":"x","params":{"z":1,"z":1}}""")]
    [InlineData("""{"id":1,"method":"x","params":{"_meta":{"progressToken":1,"progressToken":2}}}""")]
    [InlineData("""{"id":1,"method":"x","params":{"_meta":{}},"params":{}}""")]
    public void Message_WithDuplicateKey_IsRefused(string json) =>
        Assert.Equal(EnvelopeFault.DuplicateKey, EnvelopeReader.Read(Encoding.UTF8.GetBytes(json)).Fault);

    [Fact]
    public void Message_WithDuplicateKeyBeyondManyOthers_IsRefused()
    {
        var keys = string.Join(',', Enumerable.Range(0, 500).Select(i => $"\"k{i}\":0"));
        Assert.Equal(EnvelopeFault.DuplicateKey, Read($$$"""{"id":1,"method":"x","params":{{{{keys}}},"k499":1}}""").Fault);
        Assert.Equal(EnvelopeKind.Request, Read($$$"""{"id":1,"method":"x","params":{{{{keys}}},"k500":1}}""").Kind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("""{"id":1,"method":"x"} trailing""")]
    [InlineData("{\"id\":1,\"method\":\"a\nb\"}")]
    [InlineData("""{"id":01,"method":"x"}""")]
    [InlineData("""{"id":1,"method":"\ud800"}""")]
    [InlineData("""{"id":1,"method":"x","\ud800":1}""")]
    public void Message_ThatIsNotJson_IsASyntaxFault(string json) => Assert.Equal(EnvelopeFault.Syntax, Read(json).Fault);

    [Fact]
    public void Message_WithInvalidUtf8_IsASyntaxFault() =>
        Assert.Equal(EnvelopeFault.Syntax, EnvelopeReader.Read([.. """{"id":1,"method":"x","params":{"name":"""u8, (byte)'"', 0xC0, 0xAF, (byte)'"', .. "}}"u8]).Fault);

    [Fact]
    public void Message_NestedTooDeeply_IsASyntaxFaultAndNoCrash()
    {
        var bomb = $$"""{"id":1,"method":"x","params":{"a":{{new string('[', 1_000_000)}}""";
        Assert.Equal(EnvelopeFault.Syntax, Read(bomb).Fault);
    }

    [Fact]
    public void Message_InManySegments_ReadsAsInOne()
    {
        var json = Encoding.UTF8.GetBytes("""{"jsonrpc":"2.0","id":"x-1","result":{"_meta":{"io.modelcontextprotocol/subscriptionId":"x-1"},"text":"é\u00e9"}}""");
        for (var size = 1; size < 9; size++)
        {
            var sequence = Segments.Of(json, size);
            var envelope = EnvelopeReader.Read(sequence);
            Assert.Equal(EnvelopeKind.Response, envelope.Kind);
            Assert.Equal("\"x-1\"", Text(json, envelope.Id));
            Assert.Equal("\"x-1\"", Text(json, envelope.SubscriptionId));
            var spliced = Splice.Apply(sequence, [new(envelope.SubscriptionId, "22"u8.ToArray()), new(envelope.Id, "1"u8.ToArray())], "\n"u8);
            Assert.Equal("""{"jsonrpc":"2.0","id":1,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":22},"text":"é\u00e9"}}""" + "\n", Encoding.UTF8.GetString(spliced));
        }
    }

    [Fact]
    public void Message_OfFiftyMegabytes_IsReadWithoutGarbage()
    {
        var json = Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","result":{"text":"{{{new string('x', 50_000_000)}}}"},"id":9}""");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var envelope = EnvelopeReader.Read(json);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1000);
        Assert.Equal("9", Text(json, envelope.Id));
    }

    [Theory]
    [InlineData("1", "1.0", true)]
    [InlineData("1", "\"1\"", false)]
    [InlineData("\"\\u00e9\"", "\"é\"", true)]
    [InlineData("12345678901234567890", "12345678901234567000", true)]
    public void Id_ReadAndWrittenAnewByAServer_IsTheSame(string sent, string returned, bool same) =>
        Assert.Equal(same, RequestId.Read(Encoding.UTF8.GetBytes(sent)) == RequestId.Read(Encoding.UTF8.GetBytes(returned)));

    private static JsonRpcEnvelope Read(string json) => EnvelopeReader.Read(Encoding.UTF8.GetBytes(json));

    private static string Text(ReadOnlySpan<byte> json, TokenRange range) => Encoding.UTF8.GetString(json.Slice(range.Start, range.Length));

    private sealed class Segments : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Of(byte[] bytes, int size)
        {
            Segments? first = null, last = null;
            for (var at = 0; at < bytes.Length; at += size)
            {
                var next = new Segments { Memory = bytes.AsMemory(at, Math.Min(size, bytes.Length - at)), RunningIndex = at };
                first ??= next;
                last?.Next = next;
                last = next;
            }

            return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
        }
    }
}
