using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Obot.SystemTests.Llm;

/// <summary>
/// An upstream that behaves like OpenAI and like Anthropic, as its request asks: the word behind <c>script:</c> in the last message decides
/// (<c>tool</c>, <c>slow</c>, <c>break</c>, <c>hang</c>, <c>silent</c>, <c>429</c>, <c>500</c>, <c>401</c> …); anything else is answered with a text.
/// </summary>
internal sealed class ScriptedProvider : IAsyncDisposable
{
    public const string Key = "sk-upstream-secret";
    private readonly WebApplication app;
    private int failures;

    private ScriptedProvider(WebApplication app) => this.app = app;

    public Uri Url { get; private set; } = null!;

    public string OpenAiUrl => $"{Url.GetLeftPart(UriPartial.Authority)}/v1";

    public string AnthropicUrl => Url.GetLeftPart(UriPartial.Authority);

    public ConcurrentQueue<SeenRequest> Seen { get; } = new();

    /// <summary>Requests that the client's end broke off.</summary>
    public int Aborted;

    /// <summary>So many calls fail with 503 before the next one is answered.</summary>
    public void FailNext(int count) => Volatile.Write(ref failures, count);

    public SeenRequest Last => Seen.Last();

    public static async Task<ScriptedProvider> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestBodySize = null;
        });
        var web = builder.Build();
        var provider = new ScriptedProvider(web);
        web.Run(provider.AnswerAsync);
        await web.StartAsync();
        provider.Url = new(web.Urls.First());
        return provider;
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await app.StopAsync(limit.Token);
        await app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var text = await reader.ReadToEndAsync();
        Seen.Enqueue(new(context.Request.Method, context.Request.Path, context.Request.QueryString.Value ?? "", context.Request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.OrdinalIgnoreCase), text));
        if (context.Request.Path.Value!.EndsWith("/oauth2/v2.0/token", StringComparison.Ordinal))
        {
            await JsonAsync(context, text.Contains("client_secret=entra-secret", StringComparison.Ordinal) ? $$"""{"token_type":"Bearer","expires_in":3600,"access_token":"entra-{{Key}}"}""" : "{}");
            return;
        }

        var isAws = context.Request.Headers.Authorization.ToString().StartsWith("AWS4-HMAC-SHA256 Credential=AKIATEST/", StringComparison.Ordinal);
        var anthropic = isAws || context.Request.Headers.ContainsKey("x-api-key") || context.Request.Headers.ContainsKey("anthropic-version");
        var credential = anthropic ? context.Request.Headers["x-api-key"].ToString() : context.Request.Headers.TryGetValue("api-key", out var azure) ? azure.ToString() : context.Request.Headers.Authorization.ToString();
        if (!isAws && !credential.EndsWith(Key, StringComparison.Ordinal))
        {
            await FailAsync(context, anthropic, 401, "authentication_error", "Incorrect API key provided");
            return;
        }

        if (context.Request.Path == "/foundation-models")
        {
            await JsonAsync(context, """{"modelSummaries":[{"modelId":"anthropic.claude-test-v1:0"}]}""");
            return;
        }

        if (context.Request.Path.Value!.EndsWith("/models", StringComparison.Ordinal))
        {
            await JsonAsync(context, anthropic ? Scripts.AnthropicModels : Scripts.OpenAiModels);
            return;
        }

        var body = JsonNode.Parse(text)!.AsObject();
        var script = Scripts.Of(body);
        context.Response.Headers["x-ratelimit-remaining-requests"] = "41";
        context.Response.Headers["anthropic-ratelimit-requests-remaining"] = "41";
        context.Response.Headers["openai-organization"] = "org-of-the-platform";
        if (Interlocked.Decrement(ref failures) >= 0)
        {
            script = "503";
        }

        try
        {
            await ScriptedAsync(context, body, script, anthropic);
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref Aborted);
        }
    }

    private static async Task ScriptedAsync(HttpContext context, JsonObject body, string script, bool anthropic)
    {
        if (int.TryParse(script, CultureInfo.InvariantCulture, out var status) && status >= 400)
        {
            context.Response.Headers.RetryAfter = "7";
            await FailAsync(context, anthropic, status, status == 429 ? "rate_limit_error" : status == 400 ? "invalid_request_error" : "api_error", $"scripted {status}");
            return;
        }

        if (script == "hang")
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }

        var path = context.Request.Path.Value!;
        var model = body["model"]?.GetValue<string>() ?? "bedrock";
        if (path.EndsWith("/embeddings", StringComparison.Ordinal))
        {
            await JsonAsync(context, $$"""{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.25,-0.5]}],"model":"{{model}}","usage":{"prompt_tokens":5,"total_tokens":5} }""");
            return;
        }

        if (path.EndsWith("/count_tokens", StringComparison.Ordinal))
        {
            await JsonAsync(context, """{"input_tokens":42}""");
            return;
        }

        var isAws = path.EndsWith("/invoke-with-response-stream", StringComparison.Ordinal);
        if (body["messages"]?[0]?["content"]?.ToString() is { } system && system.StartsWith("You check", StringComparison.Ordinal))
        {
            await JsonAsync(context, Scripts.Judgement(model, system, body["messages"]![1]!["content"]!.ToString()));
            return;
        }

        var isStream = isAws || body["stream"]?.GetValue<bool>() is true;
        var wantsUsage = body["stream_options"]?["include_usage"]?.GetValue<bool>() is true;
        var parts = path switch
        {
            _ when path.EndsWith("/chat/completions", StringComparison.Ordinal) => isStream ? Scripts.ChatStream(model, script, wantsUsage) : [Scripts.Chat(model, script)],
            _ when path.EndsWith("/responses", StringComparison.Ordinal) => isStream ? Scripts.ResponsesStream(model, script) : [Scripts.Responses(model, script)],
            _ => isStream ? Scripts.MessagesStream(model, script) : [Scripts.Messages(model, script)],
        };
        if (isAws)
        {
            context.Response.ContentType = "application/vnd.amazon.eventstream";
            foreach (var part in parts)
            {
                await context.Response.Body.WriteAsync(Scripts.AwsMessage(part), context.RequestAborted);
            }

            return;
        }

        context.Response.ContentType = isStream ? "text/event-stream; charset=utf-8" : "application/json";
        for (var i = 0; i < parts.Count; i++)
        {
            if (script == "break" && i == parts.Count / 2)
            {
                // a reset overtakes bytes that were sent and not read
                await Task.Delay(200);
                context.Abort();
                return;
            }

            if (script == "silent" && i == parts.Count / 2)
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }

            if (script is "slow" or "long" or "endless")
            {
                await Task.Delay(script == "endless" ? 20 : 150, context.RequestAborted);
            }

            await context.Response.WriteAsync(parts[i], context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static Task FailAsync(HttpContext context, bool anthropic, int status, string type, string message)
    {
        context.Response.StatusCode = status;
        return JsonAsync(context, anthropic
            ? $$$"""{"type":"error","error":{"type":"{{{type}}}","message":"{{{message}}}"}}"""
            : $$$"""{"error":{"message":"{{{message}}}","type":"{{{type}}}","param":null,"code":"{{{type}}}"}}""");
    }

    private static Task JsonAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json, Encoding.UTF8);
    }
}

internal sealed record SeenRequest(string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, string Body);
