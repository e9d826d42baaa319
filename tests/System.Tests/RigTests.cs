using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>The rig proves itself without the product: what fails here is no fault of the gateway.</summary>
public sealed class RigTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Fixture_LegacyCallThroughTheRawClient_IsAnswered()
    {
        await using var fixture = await Fixture.StartAsync(stateless: false);
        using var client = new McpHttp(fixture.Url, token: null);
        var session = await client.InitializeAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(session);
        var answer = await client.ToolAsync("echo", new JsonObject { ["size"] = 1000 }, session, TestContext.Current.CancellationToken);
        Assert.Equal(1000, answer.Text.Length);
        Assert.InRange(await client.DeleteAsync(session, TestContext.Current.CancellationToken), 200, 204);
        Assert.Equal(404, (await client.ToolAsync("echo", session: session, cancellationToken: TestContext.Current.CancellationToken)).Status);
    }

    [Fact]
    public async Task Fixture_ModernStream_BringsProgressBeforeTheResult()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        using var client = new McpHttp(fixture.Url, token: null);
        var answer = await client.ModernAsync("tools/call", new JsonObject
        {
            ["name"] = "stream",
            ["arguments"] = new JsonObject { ["count"] = 5 },
            ["_meta"] = new JsonObject { ["progressToken"] = "p1" },
        }, TestContext.Current.CancellationToken);
        Assert.Equal("sent 5", answer.Text);
        Assert.Equal(5, answer.Before.Count(message => message["method"]?.GetValue<string>() is "notifications/progress"));
    }

    [Theory]
    [InlineData(true, "cancelled")]
    [InlineData(false, "finished")]
    public async Task Fixture_ClientGoneMidCall_NotesWhatItsEraWants(bool modern, string end)
    {
        using var scratch = new Scratch("log");
        var log = scratch.NewFile("fixture.log");
        await using var fixture = await Fixture.StartAsync(stateless: modern, log);
        using var client = new McpHttp(fixture.Url, token: null);
        Assert.Equal(end, await Disconnect.MidCallAsync(client, modern, log, "rig"));
    }

    [Fact]
    public async Task Proc_Fixture_ShowsPortMemoryHandlesAndEnvironment()
    {
        using var scratch = new Scratch("log");
        var log = scratch.NewFile("fixture.log");
        await using var fixture = await Fixture.StartAsync(stateless: true, log);
        Assert.Equal(fixture.Pid, Proc.ListenerOf(fixture.Url.Port));
        Assert.Contains(fixture.Url.Port, Proc.TcpPortsOf(fixture.Pid));
        Assert.Contains(fixture.Pid, Proc.Children(Environment.ProcessId));
        Assert.Contains($"FIXTURE_LOG={log}", Proc.Environment(fixture.Pid), StringComparer.Ordinal);
        Assert.Contains(fixture.Pid, Proc.Mentioning(log));
        Assert.True(Proc.Handles(fixture.Pid) > 10);
        output.WriteLine($"fixture: {Proc.ResidentBytes(fixture.Pid) / 1_000_000} MB, {Proc.Handles(fixture.Pid)} handles");
        Signals.Send(fixture.Pid, Signal.Stop);
        await Eventually.TrueAsync("fixture", "stopped", TimeSpan.FromSeconds(5), () => Proc.State(fixture.Pid) is 'T');
        Signals.Send(fixture.Pid, Signal.Continue);
        await Eventually.TrueAsync("fixture", "running again", TimeSpan.FromSeconds(5), () => Proc.State(fixture.Pid) is not 'T');
    }

    [Theory]
    [InlineData("serves", 0)]
    [InlineData("exits", 3)]
    public async Task Package_InstalledByNpm_RunsAsItsModeSays(string mode, int exitCode)
    {
        using var scratch = new Scratch("install");
        var spec = await Fixture.PackageSpecAsync();
        (await ProcessRunner.RunAsync("npm", ["install", "--prefix", scratch.Folder, "--no-audit", "--no-fund", spec], TimeSpan.FromMinutes(1))).Checked();
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["FIXTURE_DLL"] = Fixture.Dll, ["FIXTURE_MODE"] = mode };
        var result = await ProcessRunner.RunAsync(Path.Combine(scratch.Folder, "node_modules", ".bin", "obot-conformance-fixture"), [], TimeSpan.FromSeconds(30), environment);
        Assert.Equal(exitCode, result.ExitCode);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task TypedClient_Fixture_Echoes(bool stateless, bool throughMcpRemote)
    {
        await Npm.EnsureInstalledAsync();
        using var home = new Scratch("mcp-remote");
        await using var fixture = await Fixture.StartAsync(stateless);
        var transport = throughMcpRemote ? TypedClient.McpRemote(fixture.Url, "X", home.Folder) : TypedClient.Http(fixture.Url, "X");
        Assert.Equal("Echo: hello", await TypedClient.EchoAsync(transport, "hello"));
    }

    [Fact]
    public async Task ProcessRunner_LimitOver_KillsTheTreeAndNamesTheCommand()
    {
        var marker = $"{Random.Shared.Next(100_000, 999_999)}";
        var exception = await Assert.ThrowsAsync<TimeoutException>(() =>
            ProcessRunner.RunAsync("sh", ["-c", $"sleep {marker} & sleep {marker}"], TimeSpan.FromMilliseconds(500)));
        Assert.Contains($"sleep {marker}", exception.Message, StringComparison.Ordinal);
        await Eventually.TrueAsync($"sleep {marker}", "gone", TimeSpan.FromSeconds(5), () => Proc.Mentioning(marker).Count == 0);
    }
}
