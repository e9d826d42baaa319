using System.Text.Json;
using System.Threading.Channels;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Boot;

/// <summary>
/// Events for whoever started the shim, one JSON document a line. A host that does not read its pipe costs log lines, never a
/// waiting child.
/// </summary>
internal sealed class EventWriter : IAsyncDisposable
{
    private const int Capacity = 512;
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(1);

    private readonly Stream output;
    private readonly Channel<ShimEvent> logs = Channel.CreateBounded<ShimEvent>(
        new BoundedChannelOptions(Capacity) { SingleReader = true });

    private readonly Task writing;

    public EventWriter(Stream output)
    {
        this.output = output;
        writing = Task.Run(WriteAsync);
    }

    /// <summary>False when the host does not keep up and the line was dropped.</summary>
    public bool TryLog(string line) => logs.Writer.TryWrite(new ShimEvent { Event = ShimEvent.Log, Line = line });

    public ValueTask WriteAsync(ShimEvent shimEvent) => logs.Writer.WriteAsync(shimEvent);

    public async ValueTask DisposeAsync()
    {
        logs.Writer.TryComplete();
        await writing.WaitAsync(FlushTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task WriteAsync()
    {
        try
        {
            await foreach (var shimEvent in logs.Reader.ReadAllAsync())
            {
                var line = JsonSerializer.SerializeToUtf8Bytes(shimEvent, ShimJson.Default.ShimEvent);
                Array.Resize(ref line, line.Length + 1);
                line[^1] = (byte)'\n';
                await output.WriteAsync(line);
                await output.FlushAsync();
            }
        }
        catch (IOException)
        {
            // the host closed its end; the end of standard input stops the shim
            await foreach (var _ in logs.Reader.ReadAllAsync())
            {
            }
        }
    }
}
