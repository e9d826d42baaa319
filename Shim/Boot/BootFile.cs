namespace Obot.Shim.Boot;

/// <summary>
/// A boot document in a mounted file, in the place of standard input: its one line, and then nothing until the process ends, because where
/// files are mounted it is a signal that says when to stop.
/// </summary>
internal sealed class BootFile(string path) : Stream
{
    private byte[]? content;
    private int position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <exception cref="IOException">The file cannot be read.</exception>
    public override int Read(Span<byte> buffer)
    {
        content ??= [.. File.ReadAllBytes(path).Where(letter => letter is not (byte)'\n'), (byte)'\n'];
        if (position == content.Length)
        {
            Thread.Sleep(Timeout.Infinite);
        }

        var read = Math.Min(buffer.Length, content.Length - position);
        content.AsSpan(position, read).CopyTo(buffer);
        position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
