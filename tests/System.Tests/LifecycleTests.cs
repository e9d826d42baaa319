using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Start once, survive kills, and no way around the guard.</summary>
public sealed class LifecycleTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FirstCalls_TwoHundredOverTwoSilos_MakeOneDeployment()
    {
        const int Calls = 200;
        var mark = $"mark-{Guid.CreateVersion7():N}";
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("200 first calls", more: ("FIXTURE_MARK", mark)));
        using var one = Cluster.Connect(server);
        using var other = Cluster.Connect(server, silo: 1);
        var clock = Stopwatch.StartNew();
        var answers = await Task.WhenAll(Enumerable.Range(0, Calls).Select(async number =>
        {
            var answer = await (number % 2 == 0 ? one : other).ToolAsync("echo", new JsonObject { ["size"] = 10 }, cancellationToken: Cancellation);
            return (Answer: answer, clock.Elapsed);
        }));

        var details = await Cluster.DetailsAsync(server.Id);
        var bridges = details.Processes!.Where(process => process.Role is "bridge").ToList();
        Output.WriteLine($"{Calls} first calls: {answers.Count(answer => answer.Answer.Status is 200)} answered, first {answers.Min(answer => answer.Elapsed.TotalSeconds):0.00} s, last {answers.Max(answer => answer.Elapsed.TotalSeconds):0.00} s; generation {details.Generation} (bound 1), {bridges.Count} bridge (bound 1)");
        Assert.All(answers, answer => Assert.Equal("xxxxxxxxxx", answer.Answer.Text));
        Assert.Equal(1, details.Generation);
        var bridge = Assert.Single(bridges);
        // whoever started a server with our mark is a bridge, reported or not
        var servers = Proc.Mentioning(mark);
        Assert.Equal([bridge.Pid], servers.Select(pid => Proc.Parent(pid) ?? 0).Except(servers).Distinct());
    }

    [Theory]
    [InlineData("server")]
    [InlineData("bridge")]
    [InlineData("guard")]
    public async Task Process_Killed_NextCallWorksAndTheStateTells(string role)
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync($"kill {role}"));
        using var client = Cluster.Connect(server);
        var firstServer = await ServerPidAsync(client);
        var before = await Cluster.DetailsAsync(server.Id);
        var victim = role is "server" ? firstServer : before.Pid(role);

        // the fixture runs behind a wrapper of its own: the server is gone when that is
        int[] gone = role is "server" && Proc.Parent(victim) is { } wrapper && wrapper != before.Pid("bridge") ? [victim, wrapper] : [victim];
        Signals.Send(victim, Signal.Kill);
        await Eventually.TrueAsync($"{role} {victim}", "gone", TimeSpan.FromSeconds(5), () => !gone.Any(Proc.Exists));
        var clock = Stopwatch.StartNew();
        var secondServer = await ServerPidAsync(client);
        var took = clock.Elapsed;
        var after = await Cluster.EventuallyAsync(server.Id, "running again", CallLimit, details => details.IsRunning);

        Output.WriteLine($"kill -9 {role}: next call answered after {took.TotalSeconds:0.00} s");
        Output.WriteLine($"before {before}\nafter  {after}");
        Assert.NotEqual(firstServer, secondServer);
        if (role is not "server")
        {
            Assert.True(after.Generation > before.Generation, $"generation {before.Generation} → {after.Generation}");
            Assert.True(after.Restarts > before.Restarts, $"restarts {before.Restarts} → {after.Restarts}");
            Assert.Contains(role, after.DeploymentReason, StringComparison.Ordinal);
        }

        var old = before.Processes!.Select(process => process.Pid).Except(after.Processes!.Select(process => process.Pid)).Append(firstServer);
        await Eventually.TrueAsync($"generation {before.Generation} of {server.Id}", "cleared away", TimeSpan.FromSeconds(15), () => !old.Any(Proc.Exists));
    }

    [Fact]
    public async Task Guard_Stopped_CallHangsUntilItGoesOn()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("stopped guard"));
        using var client = Cluster.Connect(server);
        await ServerPidAsync(client);
        var guard = (await Cluster.DetailsAsync(server.Id)).Pid("guard");
        Signals.Send(guard, Signal.Stop);
        Task<McpAnswer> call;
        try
        {
            call = client.ToolAsync("echo", cancellationToken: Cancellation);
            var first = await Task.WhenAny(call, Task.Delay(TimeSpan.FromSeconds(2), Cancellation));
            Assert.NotSame(call, first);
        }
        finally
        {
            Signals.Send(guard, Signal.Continue);
        }

        var answer = await call.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        Output.WriteLine($"held for 2 s while the guard was stopped, then {answer}");
        Assert.Equal(200, answer.Status);
        Assert.Equal(guard, (await Cluster.DetailsAsync(server.Id)).Pid("guard"));
    }

    [Fact]
    public async Task Bridge_ReachedAroundTheGuard_Refuses()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("around the guard"));
        using var client = Cluster.Connect(server);
        await ServerPidAsync(client);
        var bridge = (await Cluster.DetailsAsync(server.Id)).Pid("bridge");

        int[] ports = [.. Proc.Descendants(bridge).Append(bridge).SelectMany(Proc.TcpPortsOf)];
        var socket = Assert.Single(Proc.UnixSocketsOf(bridge));
        var (status, body) = await PostToSocketAsync(socket, secret: null);
        var (guessed, _) = await PostToSocketAsync(socket, secret: "guess");
        Output.WriteLine($"bridge: TCP ports [{string.Join(", ", ports)}] (bound none), {socket} → {status} without, {guessed} with a wrong secret: {body}");
        Assert.Empty(ports);
        Assert.Equal(403, status);
        Assert.Equal(403, guessed);
    }

    [Fact]
    public async Task Guard_CalledWithoutAssertion_Refuses()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("no assertion"));
        using var client = Cluster.Connect(server);
        await ServerPidAsync(client);
        var address = (await Cluster.DetailsAsync(server.Id)).GuardURL;
        Assert.NotNull(address);
        address = new Uri(address, "/mcp");
        using var around = new McpHttp(address, token: null);
        using var withTheClientsToken = new McpHttp(address, Cluster.Token);
        Assert.InRange((await around.ToolAsync("echo", cancellationToken: Cancellation)).Status, 401, 403);
        Assert.InRange((await withTheClientsToken.ToolAsync("echo", cancellationToken: Cancellation)).Status, 401, 403);
    }

    [Fact]
    public async Task Environment_OfTheManifest_ReachesOnlyTheServer()
    {
        var secret = $"s3cret-{Guid.CreateVersion7():N}";
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("environment", more: ("FIXTURE_SECRET", secret)));
        using var client = Cluster.Connect(server);
        var environment = JsonNode.Parse((await client.ToolAsync("env", cancellationToken: Cancellation)).Text)!.AsObject();
        Assert.Equal(secret, environment["FIXTURE_SECRET"]!.GetValue<string>());
        Assert.DoesNotContain(environment, pair => pair.Key.StartsWith("Obot", StringComparison.OrdinalIgnoreCase) || pair.Value?.ToString().Contains(Cluster.Token, StringComparison.Ordinal) is true);

        var below = Proc.Descendants((await Cluster.DetailsAsync(server.Id)).Pid("bridge"));
        var knowing = Proc.Mentioning(secret);
        Output.WriteLine($"processes that show the secret in command line or environment: {string.Join(", ", knowing.Select(pid => string.Join(' ', Proc.CommandLine(pid))))}");
        Assert.Subset(below.ToHashSet(), knowing.ToHashSet());
        Assert.DoesNotContain(knowing, pid => Proc.CommandLine(pid).Any(part => part.Contains(secret, StringComparison.Ordinal)));
    }

    private static async Task<int> ServerPidAsync(McpHttp client) =>
        int.Parse((await client.ToolAsync("pid", cancellationToken: Cancellation).WaitAsync(CallLimit, Cancellation)).Text, System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<(int Status, string Body)> PostToSocketAsync(string path, string? secret)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://bridge/mcp")
        {
            Content = new StringContent("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"env","arguments":{}}}""", Encoding.UTF8, "application/json"),
        };
        if (secret is not null)
        {
            request.Headers.Add("Obot-Bridge-Secret", secret);
        }

        using var response = await http.SendAsync(request, Cancellation);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation));
    }
}

/// <summary>Idle stop needs a short limit, so it has a cluster of its own.</summary>
[Collection(Alone.Name)]
public sealed class IdleTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Server_IdleLongerThanItsTimeout_StopsAndWakesOnTheNextCall()
    {
        await using var cluster = await ObotCluster.StartAsync(1, ("Obot__Hosting__IdleTimeout", "00:00:05"));
        var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("idle"));
        using var client = cluster.Connect(server);
        await client.ToolAsync("echo", cancellationToken: TestContext.Current.CancellationToken);
        var running = await cluster.DetailsAsync(server.Id);

        // a call longer than the limit is activity
        var slow = await client.ToolAsync("slow", new JsonObject { ["delay"] = 8000 }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("waited 8000 ms", slow.Text);
        Assert.Equal(running.Generation, (await cluster.DetailsAsync(server.Id)).Generation);

        var clock = Stopwatch.StartNew();
        var stopped = await cluster.EventuallyAsync(server.Id, "stopped for idleness", TimeSpan.FromSeconds(30), details => details.IsStopped);
        output.WriteLine($"stopped {clock.Elapsed.TotalSeconds:0.0} s after the last call (limit 5 s): {stopped}");
        await Eventually.TrueAsync($"processes of {server.Id}", "gone", TimeSpan.FromSeconds(10), () => !running.Processes!.Any(process => Proc.Exists(process.Pid)));

        clock.Restart();
        Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: TestContext.Current.CancellationToken)).Status);
        output.WriteLine($"woke and answered in {clock.Elapsed.TotalSeconds:0.00} s");
        Assert.True((await cluster.DetailsAsync(server.Id)).Generation > running.Generation);
    }
}
