using System.Buffers;
using System.Text.Json;

namespace Obot.Benchmarks.Fixtures;

/// <summary>
/// The cheapest MCP server there can be: answers every <c>tools/call</c> with the text it was called with, written by hand. What
/// stands before it is what is measured.
/// </summary>
internal static class EchoServer
{
    public static async Task<int> RunAsync()
    {
        await using var app = KestrelPart.Create(0).Build();
        app.Run(AnswerAsync);
        return await KestrelPart.ServeAsync(app);
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        var body = context.Request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(context.RequestAborted);
            if (read.IsCompleted)
            {
                Write(context.Response, read.Buffer);
                body.AdvanceTo(read.Buffer.End);
                break;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private static void Write(HttpResponse response, in ReadOnlySequence<byte> message)
    {
        var (id, text) = Read(message.IsSingleSegment ? message.FirstSpan : message.ToArray());
        response.ContentType = "application/json";
        response.ContentLength = Start.Length + id.Length + Middle.Length + text.Length + End.Length;
        var writer = response.BodyWriter;
        writer.Write(Start);
        writer.Write(id);
        writer.Write(Middle);
        writer.Write(text);
        writer.Write(End);
    }

    private static (byte[] Id, byte[] Text) Read(ReadOnlySpan<byte> message)
    {
        byte[] id = [], text = [];
        var reader = new Utf8JsonReader(message);
        while (reader.Read())
        {
            if (reader.TokenType is not JsonTokenType.PropertyName)
            {
                continue;
            }

            if (reader.CurrentDepth == 1 && reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                id = reader.ValueSpan.ToArray();
            }
            else if (reader.CurrentDepth == 3 && reader.ValueTextEquals("text"u8))
            {
                reader.Read();
                text = reader.ValueSpan.ToArray();
            }
        }

        return (id, text);
    }

    private static ReadOnlySpan<byte> Start => """{"jsonrpc":"2.0","id":"""u8;

    private static ReadOnlySpan<byte> Middle => ""","result":{"resultType":"complete","content":[{"type":"text","text":" """u8[..^1];

    private static ReadOnlySpan<byte> End => "\"}]}}"u8;
}
