using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Translation;

namespace Obot.Gateway.Llm.Answers;

/// <summary>
/// A stream of <c>application/vnd.amazon.eventstream</c> as server-sent events: each message is a length, headers and a payload, whose member
/// <c>bytes</c> is the vendor's own event in Base64.
/// </summary>
internal sealed class AwsEvents(AnswerFilter inner) : AnswerFilter
{
    private const int Prelude = 12;
    private const int Crc = 4;
    private const int Most = 16 * 1024 * 1024;
    private byte[] pending = [];

    public override bool IsStream => true;

    public override void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        pending = [.. pending, .. chunk];
        var at = 0;
        while (pending.Length - at >= Prelude)
        {
            var total = BinaryPrimitives.ReadUInt32BigEndian(pending.AsSpan(at));
            var headers = BinaryPrimitives.ReadUInt32BigEndian(pending.AsSpan(at + 4));
            if (total > Most || total < Prelude + headers + Crc)
            {
                throw new InvalidDataException("The provider's event stream cannot be read.");
            }

            if (pending.Length - at < total)
            {
                break;
            }

            var message = pending.AsSpan(at, (int)total);
            Pass(message.Slice(Prelude, (int)headers), message[(Prelude + (int)headers)..^Crc], output);
            at += (int)total;
        }

        pending = pending[at..];
        EventCount = inner.EventCount;
    }

    public override void Complete(IBufferWriter<byte> output) => inner.Complete(output);

    public override void Break(LlmError error, IBufferWriter<byte> output) => inner.Break(error, output);

    private void Pass(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, IBufferWriter<byte> output)
    {
        var json = JsonAccess.Parse(payload);
        if (headers.IndexOf("exception"u8) >= 0)
        {
            throw new InvalidDataException($"Bedrock: {json["message"].TextOrNull() ?? "the model failed"}");
        }

        if (json["bytes"].TextOrNull() is not { } bytes)
        {
            return;
        }

        var data = Convert.FromBase64String(bytes);
        var type = JsonNode.Parse(data)?["type"].TextOrNull() ?? "message";
        byte[] sse = [.. Encoding.UTF8.GetBytes($"event: {type}\ndata: "), .. data, (byte)'\n', (byte)'\n'];
        inner.Write(sse, output);
        if (inner.IsTransparent)
        {
            output.Write(sse);
        }
    }
}
