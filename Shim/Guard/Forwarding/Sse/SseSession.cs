using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Threading.Channels;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Forwarding.Sse;

/// <summary>One event stream of a server, and the POSTs that wait for their answers on it.</summary>
internal sealed class SseSession : IDisposable
{
    private const int Backlog = 1000;
    private static readonly TimeSpan OpenWithin = TimeSpan.FromSeconds(30);

    private readonly Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send;
    private readonly TimeProvider time;
    private readonly HttpResponseMessage stream;
    private readonly CancellationTokenSource ending = new();
    private readonly ConcurrentDictionary<RequestId, Channel<byte[]>> waiting = new();
    private readonly Channel<byte[]> unsolicited = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest });
    private Uri messages = null!;
    private volatile Channel<byte[]>? newest;
    private long used;

    private SseSession(HttpResponseMessage stream, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, TimeProvider time) =>
        (this.stream, this.send, this.time, used) = (stream, send, time, time.GetTimestamp());

    /// <summary>Completes when the server's stream does.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    public TimeSpan IdleFor => waiting.IsEmpty ? time.GetElapsedTime(Volatile.Read(ref used)) : TimeSpan.Zero;

    /// <param name="headers">Of the request that opens it: credentials belong to the stream as well.</param>
    /// <exception cref="HttpRequestException">The server opens no stream, or names no address for messages.</exception>
    public static async Task<SseSession> OpenAsync(
        Uri endpoint, HttpRequestHeaders headers, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(OpenWithin);
        using var request = new HttpRequestMessage(HttpMethod.Get, endpoint);
        Copy(headers, request.Headers);
        request.Headers.Accept.ParseAdd("text/event-stream");
        var response = await send(request, limit.Token);
        if (response.StatusCode is not HttpStatusCode.OK || response.Content.Headers.ContentType?.MediaType is not "text/event-stream")
        {
            var status = (int)response.StatusCode;
            response.Dispose();
            throw new HttpRequestException($"the server answers {status} instead of an event stream");
        }

        var session = new SseSession(response, send, time);
        try
        {
            var events = SseParser.Create(await response.Content.ReadAsStreamAsync(limit.Token), static (_, data) => data.ToArray()).EnumerateAsync(session.ending.Token).GetAsyncEnumerator(CancellationToken.None);
            if (!await events.MoveNextAsync().AsTask().WaitAsync(limit.Token) || events.Current.EventType != "endpoint")
            {
                throw new HttpRequestException("the server's event stream does not begin with its endpoint");
            }

            var address = new Uri(endpoint, Encoding.UTF8.GetString(events.Current.Data));
            if (address.GetLeftPart(UriPartial.Authority) != endpoint.GetLeftPart(UriPartial.Authority))
            {
                // whoever answers there must not be handed the credentials of this server
                throw new HttpRequestException($"the server wants its messages at another origin, {address.GetLeftPart(UriPartial.Authority)}");
            }

            session.messages = address;
            session.Ended = session.PumpAsync(events);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    public async Task<HttpResponseMessage> PostAsync(HttpRequestMessage request, byte[] body, CancellationToken cancellationToken)
    {
        Volatile.Write(ref used, time.GetTimestamp());
        var envelope = EnvelopeReader.Read(body);
        if (envelope.Kind is not EnvelopeKind.Request)
        {
            using var told = await DeliverAsync(request, body, cancellationToken);
            return new HttpResponseMessage(told.IsSuccessStatusCode ? HttpStatusCode.Accepted : told.StatusCode) { RequestMessage = request };
        }

        var id = RequestId.Read(body.AsSpan(envelope.Id.Start, envelope.Id.Length));
        var answers = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest });
        if (!waiting.TryAdd(id, answers))
        {
            return SseTransport.Error(request, HttpStatusCode.BadRequest, body.AsSpan(envelope.Id.Start, envelope.Id.Length), McpErrorCodes.InvalidRequest, "a request with this id is in hand already");
        }

        newest = answers;
        var handedOver = false;
        try
        {
            using (var told = await DeliverAsync(request, body, cancellationToken))
            {
                if (!told.IsSuccessStatusCode)
                {
                    return new HttpResponseMessage(told.StatusCode) { RequestMessage = request, Content = SseTransport.Json(await told.Content.ReadAsByteArrayAsync(cancellationToken)) };
                }
            }

            if (!await answers.Reader.WaitToReadAsync(cancellationToken) || !answers.Reader.TryRead(out var first))
            {
                throw new HttpRequestException("the server ended its event stream before it answered");
            }

            if (EnvelopeReader.Read(first).Kind is EnvelopeKind.Response)
            {
                return new HttpResponseMessage(HttpStatusCode.OK) { RequestMessage = request, Content = SseTransport.Json(first) };
            }

            handedOver = true;
            return Stream(request, answers.Reader, first, () => waiting.TryRemove(new(id, answers)));
        }
        finally
        {
            if (!handedOver)
            {
                waiting.TryRemove(new(id, answers));
            }
        }
    }

    /// <summary>What the server says that belongs to no request.</summary>
    public HttpResponseMessage Listen(HttpRequestMessage request) => Stream(request, unsolicited.Reader, first: null, static () => { });

    public void Dispose()
    {
        ending.Cancel();
        stream.Dispose();
    }

    private async Task PumpAsync(IAsyncEnumerator<SseItem<byte[]>> events)
    {
        try
        {
            while (await events.MoveNextAsync())
            {
                var message = events.Current.Data;
                var envelope = EnvelopeReader.Read(message);
                if (envelope.Kind is EnvelopeKind.Response && envelope.Id.Present && waiting.TryGetValue(RequestId.Read(message.AsSpan(envelope.Id.Start, envelope.Id.Length)), out var answers))
                {
                    answers.Writer.TryWrite(message);
                    answers.Writer.TryComplete();
                }
                else if (envelope.Kind is EnvelopeKind.Request or EnvelopeKind.Notification)
                {
                    // nothing says which request it belongs to: whoever asked last, or whoever listens
                    var last = newest;
                    if (last is null || !last.Writer.TryWrite(message))
                    {
                        unsolicited.Writer.TryWrite(message);
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            // the same as its end
        }

        foreach (var answers in waiting.Values)
        {
            answers.Writer.TryComplete();
        }

        unsolicited.Writer.TryComplete();
        await events.DisposeAsync();
        stream.Dispose();
    }

    private async Task<HttpResponseMessage> DeliverAsync(HttpRequestMessage original, byte[] body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, messages) { Content = SseTransport.Json(body) };
        Copy(original.Headers, request.Headers);
        return await send(request, cancellationToken);
    }

    private HttpResponseMessage Stream(HttpRequestMessage request, ChannelReader<byte[]> source, byte[]? first, Action done)
    {
        var pipe = new Pipe();
        _ = CopyAsync(source, first, pipe.Writer, done);
        return new HttpResponseMessage(HttpStatusCode.OK)
        {
            RequestMessage = request,
            Content = new StreamContent(pipe.Reader.AsStream()) { Headers = { ContentType = new MediaTypeHeaderValue("text/event-stream") } },
        };
    }

    private async Task CopyAsync(ChannelReader<byte[]> source, byte[]? first, PipeWriter output, Action done)
    {
        try
        {
            if (first is not null)
            {
                Write(output, first);
                await output.FlushAsync(ending.Token);
            }

            await foreach (var message in source.ReadAllAsync(ending.Token))
            {
                Write(output, message);
                if ((await output.FlushAsync(ending.Token)).IsCompleted)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the session ended
        }
        finally
        {
            done();
            await output.CompleteAsync();
        }
    }

    /// <summary>An event a message; what was several lines there is several here.</summary>
    private static void Write(PipeWriter output, byte[] message)
    {
        output.Write("event: message\n"u8);
        foreach (var range in message.AsSpan().Split((byte)'\n'))
        {
            output.Write("data: "u8);
            output.Write(message.AsSpan(range));
            output.Write("\n"u8);
        }

        output.Write("\n"u8);
    }

    private static void Copy(HttpRequestHeaders from, HttpRequestHeaders to)
    {
        foreach (var (name, values) in from)
        {
            if (!name.Equals("Accept", StringComparison.OrdinalIgnoreCase) && !name.Equals(McpHeaders.SessionId, StringComparison.OrdinalIgnoreCase) && !name.Equals("Host", StringComparison.OrdinalIgnoreCase))
            {
                to.TryAddWithoutValidation(name, values);
            }
        }
    }
}
