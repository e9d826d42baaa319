using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Guard.Filters;

/// <summary>What servers send, on its way back.</summary>
public sealed class AnswerFilterTests
{
    private const string Call = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}""";
    private const string Good = """{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"good"}]}}""";

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/event-stream")]
    public async Task Answer_Accepted_IsTheServers(string type)
    {
        await using var receiver = await Receiver.StartAsync();
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: false, onResponse: true));
        guard.Answer = context => TestGuard.WriteAsync(context, type is "application/json" ? Good : $"id: 7\ndata: {Good}\n\n", type);
        var (status, body) = await guard.PostAsync(Call);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(type is "application/json" ? Good : $"id: 7\ndata: {Good}\n\n", body);
        Assert.Equal([("response", Good)], receiver.Seen);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/event-stream")]
    public async Task Answer_Rejected_IsAToolError(string type)
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, """{"reason":"not for you"}""", 403));
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: false, onResponse: true));
        guard.Answer = context => TestGuard.WriteAsync(context, type is "application/json" ? Good : $"data: {Good}\n\n", type);
        var (_, body) = await guard.PostAsync(Call);
        Assert.DoesNotContain("good", body, StringComparison.Ordinal);
        WebhookFilterTests.AssertToolError(body.Replace("data: ", "", StringComparison.Ordinal), "The filter 'receiver' rejected this answer: not for you (HTTP 403)");
    }

    [Fact]
    public async Task Answer_Mutated_IsWhatTheClientGets()
    {
        await using var receiver = await Receiver.StartAsync((context, body) => Receiver.JsonAsync(context, $$"""{"accept":true,"mutated":true,"message":{{body.Replace("good", "better", StringComparison.Ordinal)}}}"""));
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(mutates: true, onRequest: false, onResponse: true));
        guard.Answer = context => TestGuard.WriteAsync(context, Good);
        Assert.Equal(Good.Replace("good", "better", StringComparison.Ordinal), (await guard.PostAsync(Call)).Body);
    }

    /// <summary>The first event is passed on while the server still works on the second: nothing is collected.</summary>
    [Fact]
    public async Task Stream_OfManyEvents_IsPassedOnOneByOne()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: false, onResponse: true));
        var goOn = new TaskCompletionSource();
        guard.Answer = async context =>
        {
            await TestGuard.WriteAsync(context, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progress\":1}}\n\n", "text/event-stream");
            await context.Response.Body.FlushAsync();
            await goOn.Task;
            await context.Response.WriteAsync($"data: {Good}\n\n");
        };
        using var response = await guard.SendAsync(HttpMethod.Post, "ann", [], Call);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(), Encoding.UTF8);
        Assert.Contains("notifications/progress", await reader.ReadLineAsync(), StringComparison.Ordinal);
        goOn.SetResult();
        Assert.Contains("good", await reader.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(2, receiver.Seen.Count);
    }

    /// <summary>A server says in the answer to a notification, or to a response, what its answers to requests may not say.</summary>
    [Theory]
    [InlineData("""{"jsonrpc":"2.0","method":"notifications/initialized"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{}}""")]
    public async Task Attack_OfAnAnswerWhereNoneBelongs_IsFilteredAsWell(string message)
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, "{}", 403));
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: false, onResponse: true));
        guard.Answer = context => TestGuard.WriteAsync(context, $"data: {Good}\n\n", "text/event-stream");
        Assert.DoesNotContain("good", (await guard.PostAsync(message)).Body, StringComparison.Ordinal);
        guard.Answer = context =>
        {
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            return Task.CompletedTask;
        };
        Assert.Equal((HttpStatusCode.Accepted, ""), await guard.PostAsync(message));
    }

    [Fact]
    public async Task Notification_Rejected_IsLeftOutAndItsEventIdStays()
    {
        await using var receiver = await Receiver.StartAsync((context, body) => body.Contains("notifications/message", StringComparison.Ordinal) ? Receiver.JsonAsync(context, "{}", 403) : Task.CompletedTask);
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: false, onResponse: true, selectors: [new() { Method = "notifications/*" }]));
        guard.Answer = context => TestGuard.WriteAsync(context, $"id: 1\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"data\":\"psst\"}}}}\n\nid: 2\ndata: {Good}\n\n", "text/event-stream");
        var (_, body) = await guard.PostAsync(Call);
        Assert.Equal($"id: 1\n\nid: 2\ndata: {Good}\n\n", body);
        Assert.Single(receiver.Seen);
    }

    /// <summary>The client never sees the question, and the server is told instead of left waiting.</summary>
    [Fact]
    public async Task QuestionOfTheServer_Rejected_IsAnsweredInTheClientsPlace()
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, """{"reason":"no passwords"}""", 403));
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: false, onResponse: true, selectors: [new() { Method = "elicitation/create" }]));
        guard.Answer = async context =>
        {
            if (guard.Reached.Count > 1)
            {
                context.Response.StatusCode = 202;
                return;
            }

            await TestGuard.WriteAsync(context, "data: {\"jsonrpc\":\"2.0\",\"id\":\"e\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"Your password?\"}}\n\n", "text/event-stream");
            await context.Response.Body.FlushAsync();
            while (guard.Reached.Count < 2)
            {
                await Task.Delay(20, context.RequestAborted);
            }

            await context.Response.WriteAsync($"data: {Good}\n\n");
        };
        var (_, body) = await guard.PostAsync(Call);
        Assert.DoesNotContain("password", body, StringComparison.Ordinal);
        Assert.Contains("good", body, StringComparison.Ordinal);
        var told = JsonNode.Parse(guard.Reached[1])!;
        Assert.Equal("e", told["id"]!.GetValue<string>());
        Assert.Contains("no passwords", told["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_ThatNoFilterCanRead_IsNotShown()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: false, onResponse: true));
        foreach (var (text, type) in (IEnumerable<(string, string)>)[("secret", "application/json"), ($"[{Good}]", "application/json"), ($"data: [{Good}]\n\n", "text/event-stream"), ("<p>secret</p>", "text/html")])
        {
            guard.Answer = context => TestGuard.WriteAsync(context, text, type);
            var (status, body) = await guard.PostAsync(Call);
            Assert.Equal(HttpStatusCode.BadGateway, status);
            Assert.Contains("filters have to look at it", body, StringComparison.Ordinal);
        }

        // statuses mean something to clients: they stay, what was said with them does not
        guard.Answer = context =>
        {
            context.Response.StatusCode = 404;
            return TestGuard.WriteAsync(context, "<p>secret</p>", "text/html");
        };
        Assert.Equal((HttpStatusCode.NotFound, ""), await guard.PostAsync(Call));
        Assert.Empty(receiver.Seen);
    }

    [Fact]
    public async Task GetStream_WithFilters_IsScreenedAndEndsWhenTheyChange()
    {
        await using var receiver = await Receiver.StartAsync((context, body) => body.Contains("bad", StringComparison.Ordinal) ? Receiver.JsonAsync(context, "{}", 403) : Task.CompletedTask);
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: false, onResponse: true, selectors: [new() { Method = "tools/call" }]));
        guard.Answer = async context =>
        {
            // answers of an earlier call, as a resumed stream repeats them: nobody knows its method any more
            await TestGuard.WriteAsync(context, $"data: {Good.Replace("good", "bad", StringComparison.Ordinal)}\n\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}}\n\n", "text/event-stream");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        };
        using var response = await guard.SendAsync(HttpMethod.Get, "ann", [], null);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var first = await reader.ReadLineAsync();
        Assert.Contains("rejected this answer", first, StringComparison.Ordinal);
        Assert.DoesNotContain("bad", first, StringComparison.Ordinal);
        await reader.ReadLineAsync();
        Assert.Contains("notifications/message", await reader.ReadLineAsync(), StringComparison.Ordinal);

        guard.Policy.Replace(new() { Revision = 2, Rules = [new() { Everyone = true }, new() { Users = ["x"] }], Filters = [receiver.Filter(onRequest: false, onResponse: true, selectors: [new() { Method = "tools/call" }])] });
        guard.Policy.Replace(new() { Revision = 3, Rules = [new() { Everyone = true }] });
        await Assert.ThrowsAnyAsync<IOException>(reader.ReadToEndAsync);
    }

    /// <summary>Encoded bytes could not be looked at; where no filter looks, they are the client's business.</summary>
    [Fact]
    public async Task Call_ThatNoFilterLooksAt_KeepsItsHeadersAndBytes()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var guard = await WebhookFilterTests.StartAsync(receiver.Filter(onRequest: true, onResponse: true, selectors: [new() { Method = "tools/call", Identifiers = ["other"] }]));
        var encoding = "";
        guard.Answer = context =>
        {
            encoding = context.Request.Headers.AcceptEncoding.ToString();
            return TestGuard.WriteAsync(context, "no JSON at all", "text/plain");
        };
        Assert.Equal((HttpStatusCode.OK, "no JSON at all"), await guard.PostAsync(Call, ("Accept-Encoding", "br")));
        Assert.Equal("br", encoding);
        Assert.Equal((HttpStatusCode.BadGateway, ""), ((await guard.PostAsync(Call.Replace("echo", "other", StringComparison.Ordinal), ("Accept-Encoding", "br"))).Status, encoding));
    }

    [Fact]
    public async Task BuiltIn_OnTheWayBack_MasksWithinEvents()
    {
        await using var guard = await WebhookFilterTests.StartAsync(new GuardFilter { Id = "p", Name = "pii", Kind = GuardFilterKinds.PersonalData, OnResponse = true, AllowedToMutate = true });
        guard.Answer = context => TestGuard.WriteAsync(context, $"data: {Good.Replace("good", "mail ann.lee@contoso.com", StringComparison.Ordinal)}\n\n", "text/event-stream");
        Assert.Equal($"data: {Good.Replace("good", "mail [REDACTED:email]", StringComparison.Ordinal)}\n\n", (await guard.PostAsync(Call)).Body);
    }
}
