using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Obot.Shim.Boot;

/// <summary>
/// Standard input: one line of JSON, then nothing until its end, which is the order to stop. So is SIGTERM, and SIGINT.
/// </summary>
internal sealed class LifetimePipe : IDisposable
{
    private const int MaxBootBytes = 32 * 1024 * 1024;

    private readonly TaskCompletionSource<string> boot = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource stopping = new();
    private readonly List<PosixSignalRegistration> signals = [];

    public LifetimePipe(Stream input)
    {
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
                if (boot.Task.IsCompleted)
                {
                    continue;
                }

                var end = Array.IndexOf(buffer, (byte)'\n', 0, read);
                line.Write(buffer, 0, end < 0 ? read : end);
                if (end >= 0)
                {
                    boot.TrySetResult(System.Text.Encoding.UTF8.GetString(line.GetBuffer(), 0, (int)line.Length));
                    line = new MemoryStream();
                }
                else if (line.Length > MaxBootBytes)
                {
                    boot.TrySetException(new InvalidDataException($"the first line of standard input is longer than {MaxBootBytes} bytes"));
                }
            }
        }
        catch (IOException)
        {
            // the same as its end
        }

        Stop();
    }
}
