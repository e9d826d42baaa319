using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Audit;
using Obot.Shim.Tests.Guard;

namespace Obot.Shim.Tests.Audit;

/// <summary>What a guard writes down of real calls on real sockets.</summary>
public sealed class AuditedCallTests : IAsyncLifetime
{
    private const string Call = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"x":"secret argument"}}}""";
    private static readonly GuardPolicy Everyone = new() { Rules = [new() { Everyone = true }] };

    private readonly string _folder = Directory.CreateTempSubdirectory("obot-audit-").FullName;
    private AuditTrail? _trail;
    private TestGuard? _guard;

    private TestGuard Guard => _guard!;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await Guard.DisposeAsync();
        _trail!.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Call_WithJsonAnswer_IsWrittenDownWhole()
    {
        await StartAsync(maxBodyBytes: 50);
        Guard.Answer = context => TestGuard.WriteAsync(context, """{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a long answer that is cut"}],"isError":true}}""");
        await Guard.PostAsync(
            Call, ("Mcp-Session-Id", "nobody.00"), ("X-Api-Key", "hidden"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), (ObotHeaders.ClientIp, "192.0.2.7"), ("User-Agent", "curl/8.5 x"));
        await Guard.PostAsync(Call, ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), (ObotHeaders.ClientIp, "192.0.2.7"), ("X-Api-Key", "hidden"), ("User-Agent", "curl/8.5 x"));

        var all = Records();
        Assert.Equal([404, 200], all.Select(record => record.Status));
        var record = all[1];
        Assert.Equal(("ann", "k1", "tools/call", "echo", "192.0.2.7", "0af7651916cd43dd8448eb211c80319c"), (record.UserId, record.CredentialId, record.Method, record.Identifier, record.ClientIp, record.TraceId));
        Assert.Equal(("curl", "8.5", "the tool reported an error (isError)"), (record.ClientName, record.ClientVersion, record.Error));
        Assert.Equal(Call.Length, record.RequestBytes);
        var detail = AuditDetail.Read(record.Detail);
        Assert.Equal(Call[..50], Encoding.UTF8.GetString(detail.RequestBody.Span));
        Assert.Equal(50, detail.ResponseBody.Length);
        Assert.Equal(113, record.ResponseBytes);
        Assert.Contains(new("X-Api-Key", "***"), detail.RequestHeaders);
        Assert.DoesNotContain(detail.RequestHeaders, pair => pair.Key.StartsWith("Obot-", StringComparison.OrdinalIgnoreCase));
        Assert.Equal("-32001: Session not found", all[0].Error);
        Assert.Equal("nobody.00", all[0].SessionId);
    }

    /// <summary>The answer's event ends the call, whatever the stream does: the record is there before its last byte goes out.</summary>
    [Fact]
    public async Task Stream_WithItsAnswer_IsWrittenDownBeforeTheClientHasIt()
    {
        await StartAsync();
        using var release = new SemaphoreSlim(0);
        Guard.Answer = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: {\"method\":\"notifications/progress\"}\n\n");
            await context.Response.Body.FlushAsync();
            await release.WaitAsync();
            await context.Response.WriteAsync("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"no\"}}\n\n");
            await context.Response.Body.FlushAsync();
            await release.WaitAsync();
        };
        using var response = await Guard.SendAsync(HttpMethod.Post, "ann", [], Call);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Contains("progress", await reader.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty(Records());
        release.Release();
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.Contains("error", StringComparison.Ordinal))
        {
        }

        Assert.Equal("-32602: no", Assert.Single(Records()).Error);
        release.Release();
        await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Single(Records());
    }

    [Fact]
    public async Task Answers_WithoutABody_WithoutALength_AndRefusals_AreWrittenDown()
    {
        await StartAsync();
        Guard.Answer = context =>
        {
            context.Response.StatusCode = 202;
            return Task.CompletedTask;
        };
        await Guard.PostAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");
        Guard.Answer = async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.Body.WriteAsync("""{"jsonrpc":"2.0","id":1,"result":{}"""u8.ToArray());
            await context.Response.Body.FlushAsync();
            await context.Response.Body.WriteAsync("}"u8.ToArray());
        };
        Assert.Equal(HttpStatusCode.OK, (await Guard.PostAsync(Call)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await Guard.PostAsync("{")).Status);
        Guard.Policy.Replace(new() { Revision = 1 });
        Assert.Equal(HttpStatusCode.Forbidden, (await Guard.PostAsync(Call)).Status);
        Assert.Equal([202, 200, 400, 403], Records().Select(record => record.Status));
        Assert.StartsWith("-32000: you may not call", Records()[3].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_OfASession_KeepsItsName_AndAModernOneSaysItEachTime()
    {
        await StartAsync();
        Guard.Answer = context =>
        {
            context.Response.Headers[McpHeaders.SessionId] = "s1";
            return TestGuard.WriteAsync(context, """{"jsonrpc":"2.0","id":1,"result":{}}""");
        };
        using var response = await Guard.SendAsync(HttpMethod.Post, "ann", [], """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"Visual Studio Code","version":"1.99"}}}""");
        var session = response.Headers.GetValues(McpHeaders.SessionId).Single();
        await Guard.PostAsync(Call, (McpHeaders.SessionId, session));
        Guard.Answer = context => TestGuard.WriteAsync(context, """{"jsonrpc":"2.0","id":1,"result":{}}""");
        await Guard.PostAsync(
            """{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"modern","version":"2"}}}}""",
            (McpHeaders.ProtocolVersion, "2026-07-28"), (McpHeaders.Method, "tools/list"));
        Assert.Equal(
            [("Visual Studio Code", "1.99", session), ("Visual Studio Code", "1.99", session), ("modern", "2", (string?)null)],
            Records().Select(record => (record.ClientName!, record.ClientVersion!, record.SessionId)));
    }

    [Fact]
    public async Task Journal_Full_RefusesCalls_UntilTheClusterHasTakenSome()
    {
        await StartAsync(maxBacklogBytes: 1000);
        while (!_trail!.Journal.IsFull)
        {
            Assert.Equal(HttpStatusCode.OK, (await Guard.PostAsync(Call)).Status);
        }

        var reached = Guard.Reached.Count;
        var (status, body) = await Guard.PostAsync(Call);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("Obot:Audit:WhenFull", body, StringComparison.Ordinal);
        Assert.Equal(reached, Guard.Reached.Count);
        Assert.Equal(1, _trail.Dropped);
        byte[] buffer = [];
        _trail.Journal.Read(_trail.Journal.Acknowledged, 10_000, ref buffer, out var next);
        _trail.Journal.Acknowledge(next);
        Assert.Equal(HttpStatusCode.OK, (await Guard.PostAsync(Call)).Status);
    }

    [Fact]
    public async Task Journal_FullAndToDrop_LetsCallsThrough_AndCounts()
    {
        await StartAsync(maxBacklogBytes: 1, dropWhenFull: true);
        await Guard.PostAsync(Call);
        Assert.Equal(HttpStatusCode.OK, (await Guard.PostAsync(Call)).Status);
        Assert.Single(Records());
        Assert.Equal(1, _trail!.Dropped);
    }

    private async Task StartAsync(int maxBodyBytes = 1000, long maxBacklogBytes = 1_000_000, bool dropWhenFull = false)
    {
        _trail = new(new() { Folder = _folder, Key = Convert.ToBase64String(new byte[32]), MaxBodyBytes = maxBodyBytes, MaxBacklogBytes = maxBacklogBytes, DropWhenFull = dropWhenFull }, TimeProvider.System);
        _guard = await TestGuard.StartAsync(Everyone, trail: _trail);
    }

    private List<AuditRecord> Records()
    {
        byte[] buffer = [];
        var bytes = _trail!.Journal.Read(default, 1_000_000, ref buffer, out _);
        return Frames.Read(buffer.AsMemory(0, bytes), out _);
    }
}
