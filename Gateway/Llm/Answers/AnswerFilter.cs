using System.Buffers;

namespace Obot.Gateway.Llm.Answers;

/// <summary>What an answer goes through on its way to the client.</summary>
internal abstract class AnswerFilter
{
    /// <summary>Looks and changes nothing: the bytes go on as they came.</summary>
    public virtual bool IsTransparent => false;

    /// <summary>Events are sent: an end that is none can be told in one.</summary>
    public abstract bool IsStream { get; }

    /// <summary>
    /// The event that ends a stream was in what was written last: clients may read no further. Looked for where a chunk begins with an event, so a text that says the
    /// same is none; an end that is missed is found when the provider closes.
    /// </summary>
    public bool SawEnd { get; protected set; }

    /// <summary>Tokens that the stream has brought so far, roughly; exact usage comes at its end.</summary>
    public long EventCount { get; protected set; }

    /// <param name="output">What goes to the client now; nothing for transparent ones.</param>
    public abstract void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output);

    /// <summary>The provider's answer is complete.</summary>
    public virtual void Complete(IBufferWriter<byte> output)
    {
    }

    /// <summary>The provider's answer broke off in the middle of a stream.</summary>
    public virtual void Break(LlmError error, IBufferWriter<byte> output)
    {
    }

    /// <param name="events">Whole events.</param>
    protected static bool EndsStream(ReadOnlySpan<byte> events) =>
        events.EndsWith("data: [DONE]\n\n"u8) || events.IndexOf("\"type\":\"message_stop\""u8) >= 0 || events.IndexOf("\"type\":\"response.completed\""u8) >= 0 || events.IndexOf("\"type\":\"response.incomplete\""u8) >= 0;

    protected static bool MayBringUsage(ReadOnlySpan<byte> bytes) => bytes.IndexOf("\"usage\":{"u8) >= 0 || bytes.IndexOf("\"usage\": {"u8) >= 0;

    protected static void WriteErrorEvent(LlmError error, LlmDialect dialect, IBufferWriter<byte> output)
    {
        output.Write(dialect == LlmDialect.Anthropic ? "event: error\ndata: "u8 : "data: "u8);
        output.Write(error.ToJson(dialect));
        output.Write("\n\n"u8);
    }
}

/// <summary>A stream of the dialect that the client speaks: usage is read in passing.</summary>
internal sealed class StreamObserver(LlmDialect dialect, LlmUsage usage) : AnswerFilter
{
    private readonly EventSplitter splitter = new();

    public override bool IsTransparent => true;

    public override bool IsStream => true;

    public override void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        EventCount += chunk.Count("data:"u8);
        var isWhole = !splitter.HasPart && chunk.EndsWith("\n\n"u8);
        SawEnd = isWhole && EndsStream(chunk);

        // most chunks are whole events that say nothing of usage
        if (!isWhole || MayBringUsage(chunk))
        {
            splitter.Feed(chunk, (_, data) => usage.Read(data));
        }
    }

    public override void Break(LlmError error, IBufferWriter<byte> output)
    {
        if (splitter.HasPart)
        {
            // what was begun must not become one event with ours
            output.Write("\n\n"u8);
        }

        WriteErrorEvent(error, dialect, output);
    }
}

/// <summary>
/// A stream of <c>chat/completions</c> that was asked for usage on the platform's account: the event that brings it, which has no choices, is
/// kept from a client that did not ask.
/// </summary>
internal sealed class UsageTaker(LlmUsage usage) : AnswerFilter
{
    private readonly EventSplitter splitter = new();

    public override bool IsStream => true;

    public override void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        var isWhole = !splitter.HasPart && chunk.EndsWith("\n\n"u8);
        SawEnd = isWhole && EndsStream(chunk);
        if (isWhole && !MayBringUsage(chunk))
        {
            EventCount += chunk.Count("data:"u8);
            output.Write(chunk);
            return;
        }

        splitter.Feed(chunk, (raw, data) => Pass(raw, data, output));
    }

    public override void Complete(IBufferWriter<byte> output) => splitter.Complete((raw, data) => Pass(raw, data, output));

    public override void Break(LlmError error, IBufferWriter<byte> output) => WriteErrorEvent(error, LlmDialect.OpenAi, output);

    private void Pass(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> data, IBufferWriter<byte> output)
    {
        EventCount++;
        if (MayBringUsage(data))
        {
            usage.Read(data);
            if (IsOnlyUsage(data))
            {
                return;
            }
        }

        output.Write(raw);
    }

    private static bool IsOnlyUsage(ReadOnlySpan<byte> data) => data.IndexOf("\"choices\":[]"u8) >= 0 || data.IndexOf("\"choices\": []"u8) >= 0;
}

/// <summary>A whole answer of the dialect that the client speaks.</summary>
internal sealed class WholeObserver(LlmUsage usage) : AnswerFilter, IDisposable
{
    private const int Most = 8 * 1024 * 1024;
    private const int Tail = 16 * 1024;
    private readonly BodySample read = new(Most);
    private byte[] last = [];

    public override bool IsTransparent => true;

    public override bool IsStream => false;

    public override void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        read.Add(chunk);
        if (read.Length > Most)
        {
            // of an answer that is too long to be kept, the end is looked at: that is where usage stands
            last = [.. last.AsSpan(Math.Max(0, last.Length - Tail)), .. chunk[Math.Max(0, chunk.Length - Tail)..]];
        }
    }

    public override void Complete(IBufferWriter<byte> output)
    {
        if (read.Length <= Most)
        {
            usage.Read(read.Start.Span);
        }
        else if (last.AsSpan().LastIndexOf("\"usage\""u8) is >= 0 and var at)
        {
            usage.Read((byte[])[(byte)'{', .. last.AsSpan(at)]);
        }

        Dispose();
    }

    public void Dispose() => read.Dispose();
}
