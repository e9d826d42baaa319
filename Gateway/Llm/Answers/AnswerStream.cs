using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Answers;

/// <summary>How a provider's answer ended.</summary>
internal enum AnswerEnd
{
    /// <summary>Not yet, or the client went away before.</summary>
    Open,
    Complete,
    Broken,
    TimedOut,
}

/// <summary>
/// The body of a provider's answer as the forwarder reads it: through the filter, within the provider's time limits, and with a clear last
/// event where a stream breaks off.
/// </summary>
internal sealed class AnswerStream : Stream
{
    private const int ChunkBytes = 16 * 1024;
    private const int MostHeld = 32 * 1024 * 1024;

    private readonly Stream upstream;
    private readonly AnswerFilter filter;
    private readonly LlmProvider provider;
    private readonly TimeProvider time;
    private readonly long startedAt;
    private readonly CancellationTokenSource limit;
    private readonly CancellationTokenRegistration aborted;
    private readonly ArrayBufferWriter<byte> output = new();
    private readonly byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
    private readonly BodySample? sample;
    private int given;
    private int primed;
    private long taken;
    private bool ended;
    private bool isDisposed;
    private ITimer? timer;
    private long waitingSince;

    public AnswerStream(Stream upstream, AnswerFilter filter, LlmProvider provider, BodySample? sample, long startedAt, TimeProvider time, CancellationToken clientGone)
    {
        (this.upstream, this.filter, this.provider, this.sample, this.startedAt, this.time) = (upstream, filter, provider, sample, startedAt, time);
        limit = new();
        aborted = clientGone.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), limit);
    }

    public AnswerEnd End { get; private set; }

    /// <summary>Bytes that the provider announced; null where it did not.</summary>
    public long? Announced { get; init; }

    /// <summary>It is known how the answer ends, and its last bytes are not given yet. May come twice.</summary>
    public Action? Ending { get; init; }

    /// <summary>Gets everything that the client gets, beside the record's sample.</summary>
    public BodySample? Copy { get; init; }

    /// <summary>
    /// Where it is set, nothing is given before everything is there and was looked at; what it returns takes the answer's place, null leaves it.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, ValueTask<byte[]?>>? Check { get; init; }

    /// <summary>When the first byte was there; 0 before.</summary>
    public long FirstByteAt { get; private set; }

    /// <summary>Reads the first bytes before anything is promised to the client: until then another target can still answer.</summary>
    /// <returns>False when there is no answer to be had.</returns>
    public async Task<bool> PrimeAsync(CancellationToken cancellationToken)
    {
        try
        {
            primed = await upstream.ReadAsync(chunk, cancellationToken);
            FirstByteAt = time.GetTimestamp();
            if (primed == 0 && filter.IsStream)
            {
                End = AnswerEnd.Broken;
                return false;
            }

            return true;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            End = cancellationToken.IsCancellationRequested ? AnswerEnd.TimedOut : AnswerEnd.Broken;
            return false;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // the forwarder waits with an empty buffer before it rents one; the wait is in the read that follows
        if (buffer.IsEmpty)
        {
            return 0;
        }

        while (true)
        {
            if (output.WrittenCount > given)
            {
                var part = output.WrittenMemory[given..];
                part = part[..Math.Min(part.Length, buffer.Length)];
                part.CopyTo(buffer);
                given += part.Length;
                if (given == output.WrittenCount)
                {
                    output.ResetWrittenCount();
                    given = 0;
                }

                return part.Length;
            }

            if (ended)
            {
                return 0;
            }

            var read = Check is null ? await NextAsync(buffer) : await HeldAsync();
            Sample(read > 0 ? buffer.Span[..read] : output.WrittenSpan);
            if (ended || filter.SawEnd)
            {
                Ending?.Invoke();
            }

            if (read > 0)
            {
                return read;
            }
        }
    }

    private void Sample(ReadOnlySpan<byte> bytes)
    {
        sample?.Add(bytes);
        Copy?.Add(bytes);
    }

    /// <summary>Everything into the output, then the check.</summary>
    private async ValueTask<int> HeldAsync()
    {
        var held = new byte[ChunkBytes];
        while (!ended)
        {
            var read = await NextAsync(held);
            output.Write(held.AsSpan(0, read));
            if (output.WrittenCount > MostHeld)
            {
                throw new InvalidDataException($"An answer of more than {MostHeld} bytes cannot be held back for a message policy.");
            }
        }

        if (await Check!(output.WrittenMemory) is { } instead)
        {
            output.ResetWrittenCount();
            output.Write(instead);
        }

        return 0;
    }

    /// <summary>Reads on: straight into the client's buffer where nothing is changed, else through the filter.</summary>
    private async ValueTask<int> NextAsync(Memory<byte> buffer)
    {
        var target = filter.IsTransparent ? buffer : chunk.AsMemory();
        int read;
        try
        {
            read = await TakeAsync(target);
            taken += read;
            if (read > 0)
            {
                filter.Write(target.Span[..read], output);
            }

            if (read == 0 || taken == Announced)
            {
                filter.Complete(output);
                (ended, End) = (true, AnswerEnd.Complete);
            }

            return filter.IsTransparent ? read : 0;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException or InvalidDataException)
        {
            if (aborted.Token.IsCancellationRequested)
            {
                throw;
            }

            ended = true;
            End = e is OperationCanceledException ? AnswerEnd.TimedOut : AnswerEnd.Broken;
            if (!filter.IsStream)
            {
                throw;
            }

            filter.Break(Error(), output);
            return 0;
        }
    }

    private async ValueTask<int> TakeAsync(Memory<byte> target)
    {
        if (primed > 0)
        {
            var count = Math.Min(primed, target.Length);
            chunk.AsMemory(0, count).CopyTo(target);
            if (count < primed)
            {
                chunk.AsSpan(count, primed - count).CopyTo(chunk);
            }

            primed -= count;
            return count;
        }

        var reading = upstream.ReadAsync(target, limit.Token);
        if (reading.IsCompleted)
        {
            return await reading;
        }

        Volatile.Write(ref waitingSince, time.GetTimestamp());
        timer ??= time.CreateTimer(static stream => ((AnswerStream)stream!).Look(), this, TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerMillisecond, Left().Ticks)), Timeout.InfiniteTimeSpan);
        var read = await reading;
        Volatile.Write(ref waitingSince, 0);
        return read;
    }

    /// <summary>One timer an answer, which looks when somebody may have waited too long, instead of one change of it with every token.</summary>
    private void Look()
    {
        try
        {
            if (Left() is var left && left > TimeSpan.Zero)
            {
                timer?.Change(left, Timeout.InfiniteTimeSpan);
            }
            else
            {
                limit.Cancel();
            }
        }
        catch (ObjectDisposedException)
        {
            // the answer ended at this very moment
        }
    }

    private TimeSpan Left()
    {
        var since = Volatile.Read(ref waitingSince);
        var between = since == 0 ? provider.BetweenTokens : provider.BetweenTokens - time.GetElapsedTime(since);
        var total = provider.Total - time.GetElapsedTime(startedAt);
        return total < between ? total : between;
    }

    private LlmError Error() => End is AnswerEnd.TimedOut
        ? new(StatusCodes.Status504GatewayTimeout, "provider_timeout", $"Provider '{provider.Id}' fell silent in the middle of its answer, or took longer than {provider.Total.TotalSeconds:0} s.")
        : new(StatusCodes.Status502BadGateway, "provider_broke_off", $"Provider '{provider.Id}' broke off in the middle of its answer.");

    protected override void Dispose(bool disposing)
    {
        if (disposing && !isDisposed)
        {
            isDisposed = true;
            timer?.Dispose();
            aborted.Dispose();
            limit.Dispose();
            upstream.Dispose();
            (filter as IDisposable)?.Dispose();
            ArrayPool<byte>.Shared.Return(chunk);
        }

        base.Dispose(disposing);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>Puts an <see cref="AnswerStream"/> where the forwarder reads the answer's body.</summary>
internal sealed class AnswerContent(AnswerStream stream) : HttpContent
{
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(stream);

    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => stream;

    protected override Task SerializeToStreamAsync(Stream target, TransportContext? context) => stream.CopyToAsync(target);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
