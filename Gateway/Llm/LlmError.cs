using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Obot.Gateway.Llm;

/// <summary>A refusal of the platform's own, in the words of the vendor whose client is told.</summary>
/// <param name="Code">OpenAI's <c>code</c>.</param>
internal sealed record LlmError(int Status, string Code, string Message)
{
    /// <summary>When it makes sense to come back.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The member of the request that is refused.</summary>
    public string? Param { get; init; }

    public static LlmError Invalid(string message, string? param = null) => new(StatusCodes.Status400BadRequest, "invalid_request", message) { Param = param };

    public async Task WriteAsync(HttpContext context, LlmDialect dialect)
    {
        if (context.Response.HasStarted)
        {
            // an answer was under way: the only honest end is a broken one
            context.Abort();
            return;
        }

        context.Response.StatusCode = Status;
        context.Response.ContentType = "application/json";
        if (RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        await context.Response.Body.WriteAsync(ToJson(dialect), context.RequestAborted);
    }

    /// <summary>The body; for a stream under way it is the data of an event.</summary>
    public byte[] ToJson(LlmDialect dialect)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            if (dialect == LlmDialect.Anthropic)
            {
                writer.WriteString("type"u8, "error"u8);
            }

            writer.WriteStartObject("error"u8);
            writer.WriteString("message"u8, Message);
            writer.WriteString("type"u8, dialect == LlmDialect.Anthropic ? AnthropicType : OpenAiType);
            if (dialect == LlmDialect.OpenAi)
            {
                writer.WriteString("param"u8, Param);
                writer.WriteString("code"u8, Code);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private string OpenAiType => Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status402PaymentRequired => "insufficient_quota",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    private string AnthropicType => Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status402PaymentRequired => "billing_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status404NotFound => "not_found_error",
        StatusCodes.Status413PayloadTooLarge => "request_too_large",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        StatusCodes.Status504GatewayTimeout => "timeout_error",
        StatusCodes.Status503ServiceUnavailable => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
