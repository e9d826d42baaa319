using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>GET streams, the end of sessions, streamed logs, and what holds a server awake.</summary>
[Collection(Alone.Name)]
public sealed class StreamTests(ITestOutputHelper output)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetStream_Idle_NeitherHoldsAServerAwakeNorWakesIt()
    {
        await using var cluster = await ObotCluster.StartAsync(1, ("Obot__Hosting__IdleTimeout", "00:00:03"));
        var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("idle stream"));
        using var client = cluster.Connect(server);
        var session = await client.InitializeAsync(Cancellation);
        using var open = await client.ListenAsync(session!, cancellationToken: Cancellation);
        Assert.Equal(200, (int)open.StatusCode);

        await cluster.EventuallyAsync(server.Id, "stopped with an open stream", TimeSpan.FromSeconds(30), details => details.IsStopped);
        using var parked = await client.ListenAsync(session!, cancellationToken: Cancellation);
        Assert.Equal(200, (int)parked.StatusCode);
        Assert.Equal("text/event-stream", parked.Content.Headers.ContentType?.MediaType);
        var buffer = new byte[64];
        await using var stream = await parked.Content.ReadAsStreamAsync(Cancellation);
        var read = await stream.ReadAsync(buffer, Cancellation);
        Assert.StartsWith(":", System.Text.Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        Assert.True((await cluster.DetailsAsync(server.Id)).IsStopped, "a parked stream woke the server");

        // the end of a session that nobody knows wakes nothing either; one that is known goes on under its id
        Assert.Equal(404, await client.DeleteAsync("unknown-session", Cancellation));
        Assert.True((await cluster.DetailsAsync(server.Id)).IsStopped, "a DELETE woke the server");
        Assert.Equal(200, (await client.ToolAsync("echo", session: session, cancellationToken: Cancellation)).Status);
        output.WriteLine("idle GET stream: stopped beside it, parked without waking, session goes on after the sleep");
    }

    [Fact]
    public async Task Limits_OfBodyStreamsAndSilence_AreAnsweredClearly()
    {
        await using var cluster = await ObotCluster.StartAsync(
            1,
            ("Obot__Gateway__MaxOpenPerUser", "4"),
            ("Obot__Gateway__MaxRequestBodyBytes", "100000"),
            ("Obot__Hosting__CallTimeout", "00:00:03"));
        var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("limits"));
        using var client = cluster.Connect(server);
        await client.ToolAsync("echo", cancellationToken: Cancellation);

        var large = await client.ToolAsync("echo", new JsonObject { ["message"] = new string('x', 200_000) }, cancellationToken: Cancellation);
        Assert.Equal(413, large.Status);
        Assert.Contains("100000", large.Error?["message"]?.GetValue<string>(), StringComparison.Ordinal);

        var calls = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => client.ToolAsync("slow", new JsonObject { ["delay"] = 1500 }, cancellationToken: Cancellation)));
        output.WriteLine($"12 calls at once under a limit of 4: {calls.Count(call => call.Status == 200)} answered, {calls.Count(call => call.Status == 429)} told to wait");
        Assert.Equal(4, calls.Count(call => call.Status == 200));
        Assert.All(calls.Where(call => call.Status != 200), call => Assert.Equal((429, true), (call.Status, call.Error is not null)));

        var silent = await client.ToolAsync("slow", new JsonObject { ["delay"] = 60_000 }, cancellationToken: Cancellation);
        Assert.Equal(504, silent.Status);
        Assert.NotNull(silent.Error);
        Assert.NotNull(silent.Message!["id"]);
    }

    [Fact]
    public async Task Logs_Followed_BringTheLinesOfTheServer()
    {
        await using var cluster = await ObotCluster.StartAsync(2);
        var server = await cluster.CreateServerAsync(Manifests.Npx("logs", Manifests.Everything));
        using var response = await FollowAsync(cluster, server);
        using var client = cluster.Connect(server);
        var call = client.ToolAsync("echo", new JsonObject { ["message"] = "hi" }, cancellationToken: Cancellation);
        Assert.Equal(200, (await call).Status);

        // from the other silo, after the fact: the lines are where the server ran
        using var later = await cluster.Http.GetAsync(new Uri(cluster.Urls[1], $"/api/mcp-servers/{server.Id}/logs"), Cancellation);
        var text = await later.Content.ReadAsStringAsync(Cancellation);
        output.WriteLine(text);
        Assert.Contains("generation 1", text, StringComparison.Ordinal);
        Assert.Contains("STDIO", text, StringComparison.OrdinalIgnoreCase);
    }

    private static Task<HttpResponseMessage> FollowAsync(ObotCluster cluster, McpServer server) =>
        cluster.Http.GetAsync(new Uri($"/api/mcp-servers/{server.Id}/logs?follow=true", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
}
