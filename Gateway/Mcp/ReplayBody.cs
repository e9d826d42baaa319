using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Obot.Gateway.Mcp;

/// <summary>
/// A request body that can be sent again while it is small: a request that did not reach its server goes to the next generation.
/// A larger one is streamed behind its first part, once.
/// </summary>
internal sealed class ReplayBody(int limit) : IDisposable
{
    private const int FirstRent = 4096;

    private byte[] buffer = [];
    private int length;
    private Stream? rest;

    /// <summary>The whole body, or its beginning.</summary>
    public ReadOnlyMemory<byte> Start => buffer.AsMemory(0, length);

    /// <summary>Is all of it here?</summary>
    public bool CanReplay => rest is null;

    /// <exception cref="BadHttpRequestException">Too large, or the client sent less than it announced.</exception>
    public async Task ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var announced = request.ContentLength;
        buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(announced is > 0 ? announced.Value : FirstRent, limit));
        while (true)
        {
            if (length == announced)
            {
                return;
            }

            if (length == buffer.Length && !Grow())
            {
                rest = request.Body;
                return;
            }

            var read = await request.Body.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0)
            {
                return;
            }

            length += read;
        }
    }

    /// <summary>Puts the body where the forwarder reads it.</summary>
    public void Attach(HttpRequest request)
    {
        var start = new MemoryStream(buffer, 0, length, writable: false);
        request.Body = rest is null ? start : new Concatenated(start, rest);
    }

    public void Dispose()
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            (buffer, length) = ([], 0);
        }
    }

    private bool Grow()
    {
        if (buffer.Length >= limit)
        {
            return false;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 4, limit));
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
        return true;
    }

    private sealed class Concatenated(Stream first, Stream second) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await first.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : await second.ReadAsync(buffer, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
