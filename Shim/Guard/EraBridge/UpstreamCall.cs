using System.Net.ServerSentEvents;
using System.Text;
using Obot.Shim.Guard.Lists;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>One request to the server and what comes back, message by message. It may wait for the client between two of them.</summary>
/// <param name="progressToken">Raw token of the client's; empty without one.</param>
internal sealed class UpstreamCall(LegacySession session, long id, ReadOnlyMemory<byte> progressToken, bool logs, HttpResponseMessage response, int maxBytes) : IDisposable
{
    private IAsyncEnumerator<SseItem<byte[]>>? events;
    private bool wasRead;

    public LegacySession Session => session;

    public long Id => id;

    public ReadOnlyMemory<byte> ProgressToken => progressToken;

    /// <summary>The client asked for log messages.</summary>
    public bool Logs => logs;

    /// <summary>Null at the end.</summary>
    /// <exception cref="UnfilterableException">It is too large.</exception>
    public async Task<ReadOnlyMemory<byte>?> NextAsync(CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType is not "text/event-stream")
        {
            return wasRead ? null : await ReadAsync(cancellationToken);
        }

        events ??= Parse(await response.Content.ReadAsStreamAsync(cancellationToken), maxBytes).EnumerateAsync(CancellationToken.None).GetAsyncEnumerator(CancellationToken.None);
        while (await events.MoveNextAsync().AsTask().WaitAsync(cancellationToken))
        {
            if (events.Current.Data.Length > 0)
            {
                return events.Current.Data;
            }
        }

        return null;
    }

    /// <summary>The response in an answer to something of our own; null when there is none.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadAnswerAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        const int Max = 4 * 1024 * 1024;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        if (response.Content.Headers.ContentType?.MediaType is not "text/event-stream")
        {
            return await ReadAllAsync(stream, Max, cancellationToken);
        }

        await foreach (var item in Parse(stream, Max).EnumerateAsync(cancellationToken))
        {
            if (item.Data.Length > 0 && EnvelopeReader.Read(item.Data).Kind is EnvelopeKind.Response)
            {
                return item.Data;
            }
        }

        return null;
    }

    /// <summary>Closes the connection; a reading that waits comes to its end.</summary>
    public void Dispose() => response.Dispose();

    private async Task<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        wasRead = true;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var bytes = await ReadAllAsync(stream, maxBytes, cancellationToken);
        return bytes.Length == 0 ? null : bytes;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAllAsync(Stream stream, int max, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadAsync(chunk, cancellationToken)) > 0)
        {
            buffer.Write(chunk, 0, read);
            if (buffer.Length > max)
            {
                throw new UnfilterableException($"it is larger than {max} bytes");
            }
        }

        return buffer.ToArray();
    }

    private static SseParser<byte[]> Parse(Stream stream, int max) =>
        SseParser.Create(stream, (_, data) => data.Length <= max ? data.ToArray() : throw new UnfilterableException($"an event of it is larger than {max} bytes"));
}
