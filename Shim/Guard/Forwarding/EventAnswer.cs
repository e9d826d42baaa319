namespace Obot.Shim.Guard.Forwarding;

/// <summary>An answer that begins as server-sent events before the server has been asked.</summary>
internal sealed class EventAnswer(HttpContext context)
{
    private static readonly byte[] Comment = ": \n\n"u8.ToArray();

    public Stream Body => context.Response.Body;

    public Task BeginAsync()
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream";
        response.ContentLength = null;
        response.Headers.CacheControl = "no-cache, no-transform";
        return response.Body.FlushAsync(context.RequestAborted);
    }

    /// <param name="message">One line of JSON.</param>
    public async Task WriteAsync(ReadOnlyMemory<byte> message)
    {
        using var text = new MemoryStream(message.Length + 32);
        text.Write("event: message\n"u8);
        foreach (var part in message.Span.Split((byte)'\n'))
        {
            text.Write("data: "u8);
            text.Write(message.Span[part]);
            text.WriteByte((byte)'\n');
        }

        text.WriteByte((byte)'\n');
        await Body.WriteAsync(text.GetBuffer().AsMemory(0, (int)text.Length), context.RequestAborted);
        await Body.FlushAsync(context.RequestAborted);
    }

    /// <summary>Waits, and lets nobody between here and the client take the connection for dead.</summary>
    public async Task<T> KeepAliveAsync<T>(Task<T> waited, TimeSpan every, TimeProvider time)
    {
        while (true)
        {
            if (await Task.WhenAny(waited, Task.Delay(every, time, context.RequestAborted)) == waited)
            {
                return await waited;
            }

            context.RequestAborted.ThrowIfCancellationRequested();
            await Body.WriteAsync(Comment, context.RequestAborted);
            await Body.FlushAsync(context.RequestAborted);
        }
    }
}
