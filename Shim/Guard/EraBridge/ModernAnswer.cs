using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Lists;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>What a modern client gets: JSON when nothing comes before the answer, otherwise events. Everything passes the call's filters.</summary>
internal sealed class ModernAnswer(GuardCall call, Func<ReadOnlyMemory<byte>, Task> answerServer)
{
    private readonly HttpResponse response = call.Context.Response;
    private bool streams;

    /// <summary>Null: nothing of it goes on.</summary>
    public ValueTask<ReadOnlyMemory<byte>?> ScreenAsync(ReadOnlyMemory<byte> message) => FilteredAnswer.ScreenAsync(call, message, answerServer);

    public async Task BeginStreamAsync()
    {
        if (!streams)
        {
            streams = true;
            response.StatusCode = StatusCodes.Status200OK;
            response.ContentType = "text/event-stream";
            response.Headers.CacheControl = "no-cache, no-transform";
            await response.Body.FlushAsync(call.Context.RequestAborted);
        }
    }

    /// <summary>Something before the answer; dropped for a client that takes no events.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> message)
    {
        if (TakesEvents && await ScreenAsync(message) is { } shown)
        {
            await BeginStreamAsync();
            await WriteAsync(shown);
        }
    }

    /// <param name="errorCode">Of an error.</param>
    public async Task EndAsync(ReadOnlyMemory<byte> message, int? errorCode = null)
    {
        var shown = await ScreenAsync(message) ?? default;
        if (streams)
        {
            await WriteAsync(shown);
        }
        else
        {
            await GuardAnswers.WriteAsync(call.Context, errorCode is McpErrorCodes.MethodNotFound ? StatusCodes.Status404NotFound : StatusCodes.Status200OK, shown);
        }
    }

    public async Task KeepAliveAsync()
    {
        await response.Body.WriteAsync(": \n\n"u8.ToArray(), call.Context.RequestAborted);
        await response.Body.FlushAsync(call.Context.RequestAborted);
    }

    private bool TakesEvents => call.Context.Request.Headers.Accept.ToString() is var accept && (accept.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) || accept.Contains("*/*", StringComparison.Ordinal));

    private async Task WriteAsync(ReadOnlyMemory<byte> message)
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
        await response.Body.WriteAsync(text.GetBuffer().AsMemory(0, (int)text.Length), call.Context.RequestAborted);
        await response.Body.FlushAsync(call.Context.RequestAborted);
    }
}
