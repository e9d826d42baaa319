using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard;

/// <summary>The guard's own answers.</summary>
internal static class GuardAnswers
{
    public static Task WriteErrorAsync(HttpContext context, int status, ReadOnlySpan<byte> id, int code, string message)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        return WriteAsync(context, status, JsonRpcError.Write(id, code, message));
    }

    public static Task WriteAsync(HttpContext context, int status, ReadOnlyMemory<byte> body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body).AsTask();
    }

    /// <summary>Nothing was answered and nothing was done: the gateway may send the request to the next generation.</summary>
    public static void TellRetry(HttpContext context, string reason)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers[ObotHeaders.RetryReason] = reason;
    }
}
