using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Obot.Shim.Tests.Guard.EraBridge;

/// <summary>A server of revision 2025-11-25 with sessions, as small as one can be; it refuses whatever is modern.</summary>
internal sealed class LegacyServer
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonNode>> waiting = new(StringComparer.Ordinal);
    private int sessions;

    public ConcurrentQueue<JsonNode> Messages { get; } = [];

    /// <summary>Sessions that it knows; emptied to play a restart.</summary>
    public ConcurrentDictionary<string, bool> Sessions { get; } = new(StringComparer.Ordinal);

    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task AnswerAsync(HttpContext context, string body)
    {
        var session = context.Request.Headers["Mcp-Session-Id"].ToString();
        if (HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.ContentType = "text/event-stream";
            await EventAsync(context, """{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}""");
            await EventAsync(context, """{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        var message = JsonNode.Parse(body)!;
        Messages.Enqueue(message);
        var method = message["method"]?.GetValue<string>();
        if (method is "initialize")
        {
            var id = $"s{Interlocked.Increment(ref sessions)}";
            Sessions[id] = true;
            context.Response.Headers["Mcp-Session-Id"] = id;
            await TestGuard.WriteAsync(context, $$$"""{"jsonrpc":"2.0","id":{{{message["id"]}}},"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"logging":{} },"serverInfo":{"name":"old","version":"1"},"instructions":"be kind"}}""");
        }
        else if (session.Length == 0 || !Sessions.ContainsKey(session))
        {
            context.Response.StatusCode = session.Length == 0 ? 400 : 404;
            await TestGuard.WriteAsync(context, """{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}""");
        }
        else if (method is null)
        {
            waiting[message["id"]!.ToString()].TrySetResult(message);
            context.Response.StatusCode = 202;
        }
        else if (message["id"] is null)
        {
            if (method is "notifications/cancelled")
            {
                Cancelled.TrySetResult();
            }

            context.Response.StatusCode = 202;
        }
        else
        {
            await CallAsync(context, message, method);
        }
    }

    private async Task CallAsync(HttpContext context, JsonNode message, string method)
    {
        var tool = message["params"]?["name"]?.GetValue<string>();
        if (tool is "ask" or "slow" or "log")
        {
            context.Response.ContentType = "text/event-stream";
            await EventAsync(context, $$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{message["params"]?["_meta"]?["progressToken"]?.ToJsonString() ?? "0"}}},"progress":1}}""");
            await EventAsync(context, """{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"working"}}""");
        }

        if (tool is "slow")
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        if (tool is "ask")
        {
            foreach (var (id, question) in (IEnumerable<(string, string)>)[("ask-1", "elicitation/create"), ("ask-2", "sampling/createMessage")])
            {
                var answer = waiting[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
                await EventAsync(context, $$$"""{"jsonrpc":"2.0","id":"{{{id}}}","method":"{{{question}}}","params":{"message":"your name?"}}""");
                var given = await answer.Task.WaitAsync(TimeSpan.FromSeconds(10), context.RequestAborted);
                await EventAsync(context, $$$"""{"jsonrpc":"2.0","method":"notifications/vendor","params":{{{given["result"]!.ToJsonString()}}}}""");
            }
        }

        var result = method switch
        {
            "tools/list" => """{"tools":[{"name":"ask","inputSchema":{"type":"object"}}]}""",
            "tools/call" => """{"content":[{"type":"text","text":"done"}]}""",
            _ => null,
        };
        var response = result is null
            ? $$$"""{"jsonrpc":"2.0","id":{{{message["id"]}}},"error":{"code":-32601,"message":"no such method"}}"""
            : $$$"""{"jsonrpc":"2.0","id":{{{message["id"]}}},"result":{{{result}}}}""";
        await (context.Response.HasStarted ? EventAsync(context, response) : TestGuard.WriteAsync(context, response));
    }

    private static async Task EventAsync(HttpContext context, string message)
    {
        await context.Response.WriteAsync($"data: {message}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
