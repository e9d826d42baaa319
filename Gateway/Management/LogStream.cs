using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Management;

/// <summary>Log lines as they come: server-sent events where the client accepts them, else a line of text each.</summary>
internal sealed class LogStream(IAsyncEnumerable<ServerLogLine> lines, TimeProvider time) : IResult
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var events = httpContext.Request.GetTypedHeaders().Accept.Any(type => type.MediaType == "text/event-stream");
        response.ContentType = events ? "text/event-stream" : "text/plain; charset=utf-8";
        response.Headers["X-Accel-Buffering"] = "no";
        httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        var cancelled = httpContext.RequestAborted;
        try
        {
            await response.StartAsync(cancelled);
            await response.Body.FlushAsync(cancelled);
            await using var reader = lines.GetAsyncEnumerator(cancelled);
            var next = reader.MoveNextAsync().AsTask();
            while (await NextAsync(next, events, response, cancelled))
            {
                await response.WriteAsync(events ? Event(reader.Current) : Line(reader.Current), cancelled);
                next = reader.MoveNextAsync().AsTask();
                if (!next.IsCompleted)
                {
                    await response.Body.FlushAsync(cancelled);
                }
            }
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
        }
    }

    /// <summary>A comment now and then tells the client, and every proxy between, that the stream lives.</summary>
    private async Task<bool> NextAsync(Task<bool> next, bool events, HttpResponse response, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await next.WaitAsync(KeepAlive, time, cancellationToken);
            }
            catch (TimeoutException) when (!next.IsCompleted)
            {
                if (events)
                {
                    await response.WriteAsync(": keep-alive\n\n", cancellationToken);
                    await response.Body.FlushAsync(cancellationToken);
                }
            }
        }
    }

    private static string Event(ServerLogLine line) =>
        $"data: {JsonSerializer.Serialize(new LogLineBody(line.At, line.Generation, line.Text), ManagementJson.Options)}\n\n";

    private static string Line(ServerLogLine line) =>
        string.Create(CultureInfo.InvariantCulture, $"{line.At.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} [{line.Generation}] {line.Text.ReplaceLineEndings(" ")}\n");
}
