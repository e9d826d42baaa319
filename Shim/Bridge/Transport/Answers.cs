using System.Text.Json;
using Obot.Shim.Bridge.Calls;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Transport;

/// <summary>Writes HTTP responses: a JSON body, or server-sent events that begin when there is something to say before the answer.</summary>
internal static class Answers
{
    public static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    // a large answer goes out in pieces, so that a slow client holds back the bridge's copy and not a second one
    private const int PieceBytes = 64 * 1024;

    public static Task WriteErrorAsync(HttpContext context, int status, ReadOnlySpan<byte> id, int code, string message, Action<Utf8JsonWriter>? data = null)
    {
        context.Response.StatusCode = status;
        return WriteJsonAsync(context, JsonRpcError.Write(id, code, message, data));
    }

    /// <summary>The answer to a call, when it comes.</summary>
    /// <param name="context">Its abort ends the writing with an <see cref="OperationCanceledException"/>.</param>
    /// <param name="call">Whose messages are written.</param>
    /// <param name="accepts">JSON is preferred as long as nothing came before the answer.</param>
    /// <param name="modern">The modern era fixes HTTP statuses for some errors.</param>
    /// <param name="time">For keep-alives.</param>
    public static async Task WriteCallAsync(HttpContext context, PendingCall call, AcceptedTypes accepts, bool modern, TimeProvider time)
    {
        var aborted = context.RequestAborted;
        var quiet = accepts.EventStream ? KeepAlive : Timeout.InfiniteTimeSpan;
        var wait = call.Messages.WaitAsync(aborted).AsTask();
        while (true)
        {
            bool more;
            try
            {
                more = wait.IsCompleted ? await wait : await wait.WaitAsync(quiet, time, aborted);
            }
            catch (TimeoutException)
            {
                await WriteCommentAsync(context);
                continue;
            }

            while (call.Messages.TryTake(out var message))
            {
                if (message.IsFinal && accepts.Json && !context.Response.HasStarted)
                {
                    context.Response.StatusCode = modern ? StatusOf(message.ErrorCode) : StatusCodes.Status200OK;
                    await WriteJsonAsync(context, message.Bytes);
                    return;
                }

                if (message.IsFinal || accepts.EventStream)
                {
                    await WriteEventAsync(context, message.Bytes);
                }
            }

            if (!more)
            {
                await StartStreamAsync(context);
                return;
            }

            wait = call.Messages.WaitAsync(aborted).AsTask();
        }
    }

    /// <summary>A server→client stream, until the queue ends or the client goes.</summary>
    public static async Task WriteStreamAsync(HttpContext context, MessageQueue messages, TimeProvider time)
    {
        var aborted = context.RequestAborted;
        await StartStreamAsync(context);
        var wait = messages.WaitAsync(aborted).AsTask();
        while (true)
        {
            try
            {
                if (!await wait.WaitAsync(KeepAlive, time, aborted))
                {
                    return;
                }
            }
            catch (TimeoutException)
            {
                await WriteCommentAsync(context);
                continue;
            }

            while (messages.TryTake(out var message))
            {
                await WriteEventAsync(context, message.Bytes);
            }

            wait = messages.WaitAsync(aborted).AsTask();
        }
    }

    private static int StatusOf(int? errorCode) => errorCode switch
    {
        McpErrorCodes.MethodNotFound => StatusCodes.Status404NotFound,
        McpErrorCodes.HeaderMismatch or McpErrorCodes.MissingCapability or McpErrorCodes.UnsupportedVersion => StatusCodes.Status400BadRequest,
        _ => StatusCodes.Status200OK,
    };

    private static async Task WriteJsonAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        await WriteAsync(context, json);
    }

    private static async Task StartStreamAsync(HttpContext context)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-cache, no-transform";
            await context.Response.StartAsync(context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static async Task WriteCommentAsync(HttpContext context)
    {
        await StartStreamAsync(context);
        await context.Response.Body.WriteAsync(": \n\n"u8.ToArray(), context.RequestAborted);
    }

    private static async Task WriteEventAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        await StartStreamAsync(context);
        if (json.Length <= PieceBytes)
        {
            byte[] whole = [.. "event: message\ndata: "u8, .. json.Span, (byte)'\n', (byte)'\n'];
            await context.Response.Body.WriteAsync(whole, context.RequestAborted);
            return;
        }

        await context.Response.Body.WriteAsync("event: message\ndata: "u8.ToArray(), context.RequestAborted);
        await WriteAsync(context, json);
        await context.Response.Body.WriteAsync("\n\n"u8.ToArray(), context.RequestAborted);
    }

    private static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > PieceBytes)
        {
            await context.Response.Body.WriteAsync(bytes[..PieceBytes], context.RequestAborted);
            bytes = bytes[PieceBytes..];
        }

        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }
}
