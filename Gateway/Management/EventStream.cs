using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Obot.Gateway.Management;

/// <summary>Server-sent events, one an item, with comments in between that keep the connection alive.</summary>
/// <param name="write">One line of JSON.</param>
/// <param name="id">What a client sends as <c>Last-Event-ID</c> to go on behind this item; null where that is not offered.</param>
internal sealed class EventStream<T>(IAsyncEnumerable<T> items, Func<T, string> write, TimeProvider time, Func<T, string>? id = null) : IResult
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var cancelled = httpContext.RequestAborted;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await using var reader = items.GetAsyncEnumerator(cancelled);
        var next = Task.FromResult(true);
        try
        {
            await response.StartAsync(cancelled);
            next = reader.MoveNextAsync().AsTask();
            while (true)
            {
                try
                {
                    if (!await next.WaitAsync(KeepAlive, time, cancelled))
                    {
                        return;
                    }

                    var head = id is null ? "" : $"id: {id(reader.Current)}\n";
                    await response.WriteAsync($"{head}data: {write(reader.Current)}\n\n", cancelled);
                    next = reader.MoveNextAsync().AsTask();
                }
                catch (TimeoutException) when (!next.IsCompleted)
                {
                    await response.WriteAsync(": keep-alive\n\n", cancelled);
                }

                await response.Body.FlushAsync(cancelled);
            }
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
        }
        finally
        {
            // an iterator that still works cannot be disposed; what it ends with is nobody's any more
            await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }
}
