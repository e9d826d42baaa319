using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;

namespace Obot.Shim.Boot;

/// <summary>
/// Standard input: one line of JSON, then orders for whoever takes some (one a line) until its end, which is the order to stop. So is
/// SIGTERM, and SIGINT.
/// </summary>
internal sealed class LifetimePipe : IDisposable
{
    private const int MaxLineBytes = 32 * 1024 * 1024;
    private const int WaitingOrders = 256;

    private readonly TaskCompletionSource<string> boot = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource stopping = new();
    private readonly List<PosixSignalRegistration> signals = [];
    private readonly Channel<byte[]>? orders;

    /// <param name="takesOrders">Are lines after the first one orders? Otherwise they are nothing.</param>
    public LifetimePipe(Stream input, bool takesOrders = false)
    {
        orders = takesOrders ? Channel.CreateBounded<byte[]>(WaitingOrders) : null;
        foreach (var signal in new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT })
        {
            signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Stop();
            }));
        }

        // reading a terminal or a pipe of standard input blocks: a thread of its own
        new Thread(() => Read(input)) { IsBackground = true, Name = "lifetime pipe" }.Start();
    }

    /// <summary>Cancelled when the shim has to end.</summary>
    public CancellationToken Stopping => stopping.Token;

    /// <summary>The lines after the first, in UTF-8; whoever is slow slows down who writes them.</summary>
    public IAsyncEnumerable<byte[]> Orders => orders!.Reader.ReadAllAsync(stopping.Token);

    /// <exception cref="InvalidDataException">The line is missing or is not the boot document; the message says why.</exception>
    public async Task<TBoot> ReadBootAsync<TBoot>(JsonTypeInfo<TBoot> type)
    {
        var line = await boot.Task;
        try
        {
            return JsonSerializer.Deserialize(line, type)
                ?? throw new InvalidDataException("the first line of standard input is null, not a boot document");
        }
        catch (JsonException e)
        {
            // the message of a JsonException may quote the line, and the line holds secrets
            throw new InvalidDataException($"the first line of standard input is not a boot document (at {e.Path ?? "$"})", innerException: null);
        }
    }

    public void Dispose()
    {
        foreach (var signal in signals)
        {
            signal.Dispose();
        }
    }

    private void Stop()
    {
        boot.TrySetException(new InvalidDataException("standard input ended before the boot document"));
        stopping.Cancel();
    }

    private void Read(Stream input)
    {
        var line = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            int read;
            while ((read = input.Read(buffer)) > 0)
            {
                var rest = buffer.AsSpan(0, read);
                while (!rest.IsEmpty && (orders is not null || !boot.Task.IsCompleted))
                {
                    var end = rest.IndexOf((byte)'\n');
                    line.Write(end < 0 ? rest : rest[..end]);
                    rest = end < 0 ? [] : rest[(end + 1)..];
                    if (end >= 0)
                    {
                        Take(line.ToArray());
                        line.SetLength(0);
                    }
                    else if (line.Length > MaxLineBytes)
                    {
                        boot.TrySetException(new InvalidDataException($"a line of standard input is longer than {MaxLineBytes} bytes"));
                        return;
                    }
                }
            }
        }
        catch (IOException)
        {
            // the same as its end
        }
        finally
        {
            Stop();
        }
    }

    private void Take(byte[] line)
    {
        if (!boot.TrySetResult(System.Text.Encoding.UTF8.GetString(line)) && orders is not null && !orders.Writer.TryWrite(line))
        {
            orders.Writer.WriteAsync(line, stopping.Token).AsTask().GetAwaiter().GetResult();
        }
    }
}
