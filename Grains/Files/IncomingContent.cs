using System.Security.Cryptography;
using Obot.Grains.Abstractions;

namespace Obot.Grains.Files;

/// <summary>A content on its way to the storage: counted, hashed, its first bytes kept, and cut off where it is too large or not what its name says.</summary>
internal sealed class IncomingContent(Stream inner, string type, long mostBytes) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _head = new byte[FileTypes.Head];
    private int _kept;
    private bool _isChecked;

    public long Bytes { get; private set; }

    /// <summary>Of the whole content, once it was read to its end; also behind its disposal, which clients of storages do.</summary>
    public byte[] Sha256 { get; private set; } = [];

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        Take(buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Contents are read asynchronously.");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        Bytes += bytes.Length;
        if (Bytes > mostBytes)
        {
            throw new InvalidInputException("content", $"The file is larger than {mostBytes} bytes (Obot:Files:MaxFileBytes, MaxProjectBytes).");
        }

        var more = bytes[..Math.Min(bytes.Length, _head.Length - _kept)];
        more.CopyTo(_head.AsSpan(_kept));
        _kept += more.Length;
        if (!_isChecked && (_kept == _head.Length || bytes.IsEmpty))
        {
            _isChecked = true;
            if (!FileTypes.Fits(type, _head.AsSpan(0, _kept)))
            {
                throw new InvalidInputException("content", $"The name says '{type}', the content is something else. Give it the ending of what it is.");
            }
        }

        if (bytes.IsEmpty)
        {
            Sha256 = Sha256.Length > 0 ? Sha256 : _hash.GetHashAndReset();
        }
        else
        {
            _hash.AppendData(bytes);
        }
    }
}
