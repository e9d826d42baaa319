using System.Net;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Guard.Lists;

/// <summary>
/// Writes the server's answer with the lists in it cut to what the caller may use, and past the filters that look at it. What cannot be read
/// is not shown: an answer that is too large or odd becomes an error, never an unfiltered answer.
/// </summary>
internal static class FilteredAnswer
{
    /// <summary>The body, after status and headers were copied. Sets <see cref="GuardCall.Unfiltered"/> when nothing could be written.</summary>
    public static async Task WriteAsync(GuardCall call, HttpResponseMessage answer, GuardLimits limits, Func<ReadOnlyMemory<byte>, Task> answerServer)
    {
        var response = call.Context.Response;
        var aborted = call.Context.RequestAborted;
        try
        {
            await using var body = await answer.Content.ReadAsStreamAsync(aborted);
            if (answer.Content.Headers.ContentEncoding.FirstOrDefault(coding => !coding.Equals("identity", StringComparison.OrdinalIgnoreCase)) is { } encoding)
            {
                throw new UnfilterableException($"it is encoded as {encoding}, which was not asked for");
            }

            if (answer.Content.Headers.ContentType?.MediaType is "text/event-stream")
            {
                response.ContentLength = null;
                await new EventStreamFilter(Screen, limits.MaxListBytes).CopyAsync(body, response.Body, TimeSpan.FromSeconds(limits.CallTimeoutSeconds), aborted);
                return;
            }

            var message = await ReadAsync(body, limits, aborted);
            if (message.Length > 0)
            {
                var shown = await ShownAsync(message);
                response.ContentLength = shown.Length;
                await response.Body.WriteAsync(shown, aborted);
            }
        }
        catch (Exception e) when (e is UnfilterableException or IOException or HttpRequestException || (e is OperationCanceledException && !aborted.IsCancellationRequested))
        {
            call.Unfiltered = e is OperationCanceledException ? $"the server was silent for {limits.CallTimeoutSeconds} s" : e.Message;
            if (response.HasStarted)
            {
                call.Context.Abort();
            }
        }

        async ValueTask<ReadOnlyMemory<byte>> ShownAsync(ReadOnlyMemory<byte> message)
        {
            var isOk = answer.StatusCode is HttpStatusCode.OK;
            try
            {
                return isOk || LooksLikeJson(answer) ? await Screen(message) ?? default : call.Answers is null ? message : default;
            }
            catch (UnfilterableException) when (!isOk && call.Answers is not null)
            {
                // the status says what a client has to know; what else is in it, no filter has seen
                return default;
            }
        }

        async ValueTask<ReadOnlyMemory<byte>?> Screen(ReadOnlyMemory<byte> message)
        {
            var listed = call.Visible is { } tools ? ToolListFilter.Apply(message, tools, call.IsModern) : message;
            return call.Answers is { } filters ? await filters.ScreenAsync(listed, answerServer, aborted) : listed;
        }
    }

    /// <summary>An error page of something in between holds no tools that a client would read.</summary>
    private static bool LooksLikeJson(HttpResponseMessage answer) => answer.Content.Headers.ContentType?.MediaType is { } type && type.Contains("json", StringComparison.OrdinalIgnoreCase);

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream body, GuardLimits limits, CancellationToken cancellationToken)
    {
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var buffer = new byte[16 * 1024];
        var length = 0;
        while (true)
        {
            quiet.CancelAfter(TimeSpan.FromSeconds(limits.CallTimeoutSeconds));
            var read = await body.ReadAsync(buffer.AsMemory(length), quiet.Token);
            if (read == 0)
            {
                return buffer.AsMemory(0, length);
            }

            length += read;
            if (length > limits.MaxListBytes)
            {
                throw new UnfilterableException($"it is larger than {limits.MaxListBytes} bytes");
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, length * 2);
            }
        }
    }
}
