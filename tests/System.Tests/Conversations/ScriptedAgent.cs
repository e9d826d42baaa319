using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Obot.SystemTests.Conversations;

/// <summary>
/// A model behind OpenAI's wire format that does what the person's last message says, line by line: <c>tool NAME {json}</c> calls the first
/// offered tool whose name ends so; <c>words N MS</c> says N words with pauses, after the tools; <c>fail STATUS</c> fails;
/// <c>say TEXT</c> says the rest of the message. Anything else is echoed.
/// </summary>
internal sealed class ScriptedAgent : IAsyncDisposable
{
    public const string Key = "sk-agent";
    private readonly WebApplication app;

    private ScriptedAgent(WebApplication app) => this.app = app;

    public Uri Url { get; private set; } = null!;

    public ConcurrentQueue<JsonObject> Asked { get; } = new();

    public static async Task<ScriptedAgent> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var web = builder.Build();
        var agent = new ScriptedAgent(web);
        web.MapGet("/v1/models", () => Results.Content("""{"object":"list","data":[{"id":"agent","object":"model","created":1,"owned_by":"test"},{"id":"other","object":"model","created":1,"owned_by":"test"}]}""", "application/json"));
        web.MapPost("/v1/chat/completions", agent.AnswerAsync);
        await web.StartAsync();
        agent.Url = new(web.Urls.First());
        return agent;
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await app.StopAsync(limit.Token);
        await app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        Asked.Enqueue(body);
        var messages = body["messages"]!.AsArray();
        var last = messages[^1]!;
        var said = Text(messages.Last(message => message!["role"]!.GetValue<string>() == "user")!);
        var lines = said.Split('\n').Select(line => line.Trim()).ToList();
        if (lines.Find(line => line.StartsWith("fail ", StringComparison.Ordinal)) is { } failure)
        {
            context.Response.StatusCode = int.Parse(failure[5..], CultureInfo.InvariantCulture);
            await context.Response.WriteAsJsonAsync(new { error = new { message = $"scripted {failure}", type = "api_error" } });
            return;
        }

        var isAfterTools = last["role"]!.GetValue<string>() == "tool";
        var wishes = isAfterTools ? [] : lines.Where(line => line.StartsWith("tool ", StringComparison.Ordinal)).Select(line => line.Split(' ', 3)).ToList();
        if (body["stream"]?.GetValue<bool>() is not true)
        {
            await context.Response.WriteAsJsonAsync(new
            {
                id = "c1", @object = "chat.completion", created = 1, model = "agent",
                choices = new[] { new { index = 0, finish_reason = "stop", message = new { role = "assistant", content = $"SUMMARY of {messages.Count} messages" } } },
                usage = new { prompt_tokens = 10, completion_tokens = 5, total_tokens = 15 },
            });
            return;
        }

        context.Response.ContentType = "text/event-stream";
        if (wishes.Count > 0)
        {
            var offered = body["tools"]?.AsArray().Select(tool => tool!["function"]!["name"]!.GetValue<string>()).ToList() ?? [];
            await SendAsync(context, new { tool_calls = wishes.Select((wish, index) => new { index, id = $"call_{index}", type = "function", function = new { name = offered.Find(name => name.EndsWith(wish[1], StringComparison.Ordinal)) ?? wish[1], arguments = wish.Length > 2 ? wish[2] : "{}" } }) }, null);
            await SendAsync(context, new { }, "tool_calls");
        }
        else
        {
            foreach (var (words, pause) in Words(lines, said, isAfterTools ? Text(last) : null))
            {
                await Task.Delay(pause, context.RequestAborted);
                await SendAsync(context, new { content = words }, null);
            }

            await SendAsync(context, new { }, "stop");
        }

        await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(new { id = "c1", @object = "chat.completion.chunk", created = 1, model = "agent", choices = Array.Empty<object>(), usage = new { prompt_tokens = 10 * messages.Count, completion_tokens = 5, total_tokens = (10 * messages.Count) + 5 } })}\n\ndata: [DONE]\n\n");
    }

    private static IEnumerable<(string Words, int Pause)> Words(List<string> lines, string said, string? result)
    {
        if (result is not null)
        {
            yield return ($"Result: {result[..Math.Min(result.Length, 200)]} ", 0);
        }

        if (lines.Find(line => line.StartsWith("words ", StringComparison.Ordinal))?.Split(' ') is [_, var count, var pause])
        {
            for (var number = 1; number <= int.Parse(count, CultureInfo.InvariantCulture); number++)
            {
                yield return ($"w{number} ", int.Parse(pause, CultureInfo.InvariantCulture));
            }
        }
        else if (said.StartsWith("say ", StringComparison.Ordinal))
        {
            yield return (said[4..], 0);
        }
        else if (result is null)
        {
            yield return ($"You said: {said}", 0);
        }
    }

    private static string Text(JsonNode message) => message["content"] switch
    {
        JsonArray parts => string.Concat(parts.Select(part => part!["text"]?.GetValue<string>())),
        { } text => text.GetValue<string>(),
        null => "",
    };

    private static async Task SendAsync(HttpContext context, object delta, string? finish)
    {
        await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(new { id = "c1", @object = "chat.completion.chunk", created = 1, model = "agent", choices = new[] { new { index = 0, delta, finish_reason = finish } } })}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
