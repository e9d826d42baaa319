using System.Text;
using Obot.Benchmarks.Fixtures;

namespace Obot.Benchmarks.Llm;

/// <summary>The quickest model there can be: the same whole answer or the same stream of 20 events, at once.</summary>
internal static class ModelServer
{
    private const int Events = 20;
    private static readonly byte[] Whole = Encoding.UTF8.GetBytes(
        $$"""{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"{{new string('x', 800)}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":250,"completion_tokens":200,"total_tokens":450} }""");

    private static readonly byte[] Chunk = Encoding.UTF8.GetBytes("""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{"content":"some words"},"finish_reason":null}],"usage":null}""" + "\n\n");
    private static readonly byte[] End = Encoding.UTF8.GetBytes("""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[],"usage":{"prompt_tokens":250,"completion_tokens":20,"total_tokens":270} }""" + "\n\ndata: [DONE]\n\n");

    public static async Task<int> RunAsync()
    {
        await using var app = KestrelPart.Create(0).Build();
        app.Run(AnswerAsync);
        return await KestrelPart.ServeAsync(app);
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("""{"object":"list","data":[{"id":"bench","object":"model"}]}""");
            return;
        }

        using var reader = new StreamReader(context.Request.Body);
        var isStream = (await reader.ReadToEndAsync()).Contains("\"stream\":true", StringComparison.Ordinal);
        if (!isStream)
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = Whole.Length;
            await context.Response.Body.WriteAsync(Whole);
            return;
        }

        context.Response.ContentType = "text/event-stream";
        for (var i = 0; i < Events; i++)
        {
            await context.Response.Body.WriteAsync(Chunk);
            await context.Response.Body.FlushAsync();
        }

        await context.Response.Body.WriteAsync(End);
    }
}
