using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Obot.Benchmarks.Load;

/// <summary>
/// One keep-alive connection on a thread of its own with blocking calls: two system calls a request, no scheduler between the answer
/// and the clock. Every answer is checked for its status and its id.
/// </summary>
internal sealed class LoadConnection(EndPoint server, CallTemplate template, int number)
{
    private readonly byte[] request = template.Copy();
    private readonly byte[] buffer = new byte[64 * 1024];

    /// <summary>Ticks of <see cref="Stopwatch"/> that each measured call took.</summary>
    public List<long> Times { get; } = new(1 << 16);

    public int Calls { get; private set; }

    public void Run(long measureFrom, long until)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(server);
        var nextId = 1_000_000_000L + (number * 10_000_000L);
        for (var started = Stopwatch.GetTimestamp(); started < until; Calls++)
        {
            var id = template.SetId(request, nextId++);
            socket.Send(request);
            Receive(socket, id);
            var ended = Stopwatch.GetTimestamp();
            if (started >= measureFrom)
            {
                Times.Add(ended - started);
            }

            started = ended;
        }
    }

    private void Receive(Socket socket, ReadOnlySpan<byte> id)
    {
        var received = 0;
        var total = int.MaxValue;
        var head = -1;
        while (received < total)
        {
            var count = socket.Receive(buffer.AsSpan(received));
            received += count > 0 ? count : throw new IOException($"the connection was closed within an answer: {Text(received)}");
            if (head < 0 && (head = buffer.AsSpan(0, received).IndexOf("\r\n\r\n"u8)) >= 0)
            {
                total = head + 4 + ContentLength(buffer.AsSpan(0, head));
            }
        }

        if (!buffer.AsSpan().StartsWith("HTTP/1.1 200 "u8) || buffer.AsSpan(head, received - head).IndexOf(id) < 0)
        {
            throw new InvalidDataException($"not the answer to {Encoding.ASCII.GetString(id)}: {Text(received)}");
        }
    }

    private int ContentLength(ReadOnlySpan<byte> head)
    {
        var name = "Content-Length: "u8;
        var at = head.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _) ? length : throw new InvalidDataException($"an answer without a length: {Text(head.Length)}");
    }

    private string Text(int length) => Encoding.UTF8.GetString(buffer.AsSpan(0, length));
}
