using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Composite;

namespace Obot.Shim.Guard.HttpSse;

/// <summary>One stream of an HTTP+SSE server, and the URL that takes what is said to it. Every message passes as it came.</summary>
internal sealed class HttpSseSession : IDisposable
{
    private const int Backlog = 256;

    private readonly HttpResponseMessage stream;
    private readonly Uri post;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<string, Channel<Message>> calls = new(StringComparer.Ordinal);
    private readonly Channel<Message> others = Channel.CreateBounded<Message>(new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest });
    private volatile Channel<Message>? latest;
    private volatile bool isOver;
    private int listening;
    private long used;

    public HttpSseSession(HttpResponseMessage stream, IAsyncEnumerator<SseItem<byte[]>> events, Uri post, TimeProvider time)
    {
        (this.stream, this.post, this.time) = (stream, post, time);
        used = time.GetTimestamp();
        _ = Task.Run(() => ReadAsync(events));
    }

    public string Id { get; } = $"sse-{RandomNumberGenerator.GetHexString(32, lowercase: true)}";

    public bool IsOver => isOver;

    public bool IsIdleFor(TimeSpan limit) => calls.IsEmpty && Volatile.Read(ref listening) == 0 && time.GetElapsedTime(Volatile.Read(ref used)) > limit;

    /// <summary>A request: its answer comes on the stream. One message goes back as JSON, more than that as events.</summary>
    public async Task<HttpResponseMessage> CallAsync(
        HttpRequestMessage request, byte[] body, JsonNode id, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, CancellationToken cancellationToken)
    {
        Volatile.Write(ref used, time.GetTimestamp());
        var key = id.ToJsonString();
        var mine = Channel.CreateBounded<Message>(new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest });
        calls[key] = latest = mine;
        var relaying = false;
        try
        {
            using (var accepted = await send(Post(request, body), cancellationToken))
            {
                if (!accepted.IsSuccessStatusCode)
                {
                    return new(accepted.StatusCode is HttpStatusCode.NotFound ? HttpStatusCode.BadGateway : accepted.StatusCode);
                }
            }

            var first = await mine.Reader.ReadAsync(cancellationToken);
            if (first.IsAnswer)
            {
                return Json(first.Data);
            }

            relaying = true;
            return Events(output => RelayAsync(key, mine, first, output, cancellationToken), cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            throw new HttpRequestException("the server's stream ended", e);
        }
        finally
        {
            if (!relaying)
            {
                Forget(key, mine);
            }
        }
    }

    /// <summary>A notification, or an answer to the server.</summary>
    public async Task<HttpResponseMessage> TellAsync(
        HttpRequestMessage request, byte[] body, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, CancellationToken cancellationToken)
    {
        Volatile.Write(ref used, time.GetTimestamp());
        using var accepted = await send(Post(request, body), cancellationToken);
        return new(accepted.IsSuccessStatusCode ? HttpStatusCode.Accepted : HttpStatusCode.BadGateway);
    }

    /// <summary>What the server says on its own.</summary>
    public HttpResponseMessage Listen(CancellationToken cancellationToken) => Events(
        async output =>
        {
            Interlocked.Increment(ref listening);
            try
            {
                await output.WriteAsync(": open\n\n"u8.ToArray(), cancellationToken);
                await foreach (var message in others.Reader.ReadAllAsync(cancellationToken))
                {
                    await WriteAsync(output, message.Data, cancellationToken);
                }
            }
            finally
            {
                Interlocked.Decrement(ref listening);
            }
        },
        cancellationToken);

    public void Dispose()
    {
        isOver = true;
        stream.Dispose();
    }

    private async Task ReadAsync(IAsyncEnumerator<SseItem<byte[]>> events)
    {
        try
        {
            while (await events.MoveNextAsync())
            {
                if (events.Current.EventType is "message" && Messages.Parse(events.Current.Data) is { } message)
                {
                    Take(new(events.Current.Data, !message.ContainsKey("method")), message["id"]?.ToJsonString());
                }
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException or ObjectDisposedException or OperationCanceledException)
        {
            // the end, in whatever way
        }

        isOver = true;
        others.Writer.TryComplete();
        foreach (var call in calls.Values)
        {
            call.Writer.TryComplete();
        }
    }

    private void Take(Message message, string? id)
    {
        if (message.IsAnswer && id is not null && calls.TryGetValue(id, out var asked))
        {
            asked.Writer.TryWrite(message);
        }
        else if (!message.IsAnswer && latest is { } call)
        {
            // the old transport does not say which call a message belongs to: the latest one that waits
            call.Writer.TryWrite(message);
        }
        else
        {
            others.Writer.TryWrite(message);
        }
    }

    private async Task RelayAsync(string key, Channel<Message> mine, Message first, Stream output, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(output, first.Data, cancellationToken);
            await foreach (var message in mine.Reader.ReadAllAsync(cancellationToken))
            {
                await WriteAsync(output, message.Data, cancellationToken);
                if (message.IsAnswer)
                {
                    return;
                }
            }
        }
        finally
        {
            Forget(key, mine);
        }
    }

    private void Forget(string key, Channel<Message> mine)
    {
        calls.TryRemove(new(key, mine));
        if (latest == mine)
        {
            latest = calls.Values.FirstOrDefault();
        }
    }

    private HttpRequestMessage Post(HttpRequestMessage like, byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, post) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        HttpSseHandler.CopyHeaders(like, request);
        return request;
    }

    private static async Task WriteAsync(Stream output, byte[] data, CancellationToken cancellationToken)
    {
        // an event's data may have had several lines
        using var text = new MemoryStream(data.Length + 64);
        text.Write("event: message\n"u8);
        foreach (var line in data.AsSpan().Split((byte)'\n'))
        {
            text.Write("data: "u8);
            text.Write(data.AsSpan(line));
            text.Write("\n"u8);
        }

        text.Write("\n"u8);
        await output.WriteAsync(text.GetBuffer().AsMemory(0, (int)text.Length), cancellationToken);
        await output.FlushAsync(cancellationToken);
    }

    private static HttpResponseMessage Json(byte[] data)
    {
        var content = new ByteArrayContent(data);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return new(HttpStatusCode.OK) { Content = content };
    }

    private static HttpResponseMessage Events(Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        var pipe = new Pipe();
        _ = Task.Run(async () =>
        {
            Exception? fault = null;
            try
            {
                await write(pipe.Writer.AsStream(leaveOpen: true));
            }
            catch (Exception e)
            {
                fault = cancellationToken.IsCancellationRequested ? null : e;
            }

            await pipe.Writer.CompleteAsync(fault);
        }, CancellationToken.None);
        var content = new StreamContent(pipe.Reader.AsStream());
        content.Headers.ContentType = new("text/event-stream");
        return new(HttpStatusCode.OK) { Content = content };
    }

    private sealed record Message(byte[] Data, bool IsAnswer);
}
