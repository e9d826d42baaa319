using System.Diagnostics;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Kubernetes;

/// <summary>Servers in a real cluster: they run, held, and say why when they do not; what ends is replaced, what is removed leaves nothing.</summary>
public sealed class KubernetesTests(KubernetesRig rig, ITestOutputHelper output) : KubernetesTest(rig, output)
{
    [Fact]
    public async Task Container_InAPod_RunsIsHeldAndLeavesNothing()
    {
        var secret = $"s3cret-{Guid.CreateVersion7():N}";
        var server = await MakeAsync(Container("container", env: [new { key = "FIXTURE_SECRET", value = secret, sensitive = true }, new { key = "KEY_FILE", value = "in a file", file = true }], memory: "256Mi"));
        var clock = Stopwatch.StartNew();
        var launched = await Cluster.LaunchAsync(server.Id);
        Assert.True(launched.DeploymentStatus == "Running", launched.DeploymentReason);
        Output.WriteLine($"first start: {clock.Elapsed.TotalSeconds:0.00} s");
        using var client = Cluster.Connect(server);
        Assert.Equal("xxx", (await client.ToolAsync("echo", new JsonObject { ["size"] = 3 }, cancellationToken: Cancellation)).Text);
        var seen = JsonNode.Parse((await client.ToolAsync("env", cancellationToken: Cancellation)).Text)!;
        Assert.Equal((secret, 10001), (seen["env"]!["FIXTURE_SECRET"]!.GetValue<string>(), seen["uid"]!.GetValue<int>()));
        Assert.Equal("in a file", (await client.ToolAsync("file", new JsonObject { ["variable"] = "KEY_FILE" }, cancellationToken: Cancellation)).Text);
        Assert.DoesNotContain(secret, KubernetesJson.Serialize(await PodAsync(server)), StringComparison.Ordinal);
        Assert.Equal(["deployment", "networkpolicy", "pod", "replicaset", "secret", "secret", "service"], (await TracesAsync(server)).Select(trace => trace.Split('/')[0]).Order(StringComparer.Ordinal));
        Assert.Equal("kubernetes", (await Cluster.DetailsAsync(server.Id)).Backend);
        await Cluster.StopAsync(server.Id);
        await GoneAsync(server);
    }

    [Fact]
    public async Task Everything_ByNpx_AnswersFromAPod()
    {
        var server = await MakeAsync(Manifests.Npx("everything in kubernetes", Manifests.Everything, startupTimeoutSeconds: 180));
        var clock = Stopwatch.StartNew();
        var launched = await Cluster.LaunchAsync(server.Id);
        Assert.True(launched.DeploymentStatus == "Running", launched.DeploymentReason);
        Output.WriteLine($"first start of an npx server, package included: {clock.Elapsed.TotalSeconds:0.0} s");
        using var client = Cluster.Connect(server);
        var session = await client.InitializeAsync(Cancellation);
        Assert.Contains("hello", (await client.ToolAsync("echo", new() { ["message"] = "hello" }, session, Cancellation)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Container_ThatDoesNotCome_SaysWhichOfTheReasons()
    {
        (string Name, object Manifest, string[] Says)[] cases =
        [
            ("crashing", Container("crashing", args: ["crash"]), ["exited with code 3", "cannot open the database"]),
            ("out of memory", Container("hungry", args: ["hungry"], memory: "64Mi"), ["out of memory", "64Mi"]),
            ("never ready", Container("deaf", args: ["deaf"], startup: 15), ["within 15 s", "nothing listens on port 8099"]),
            ("ill", Container("ill", args: ["ill"], startup: 15), ["within 15 s", "503 at /healthz"]),
            ("missing image", Container("missing", $"{Rig.OpenRegistry}/obot-test/nothing:1"), ["does not exist"]),
            ("private image", Container("private", $"{Rig.ClosedRegistry}/team/private:1"), ["credentials"]),
            ("no node", Container("large", cpu: "999", startup: 10), ["no node takes its pod", "Insufficient cpu"]),
        ];
        var outcomes = await Task.WhenAll(cases.Select(async one =>
        {
            var server = await MakeAsync(one.Manifest);
            var clock = Stopwatch.StartNew();
            var launched = await Cluster.LaunchAsync(server.Id);
            return (one.Name, one.Says, Launched: launched, Took: clock.Elapsed, Server: server);
        }));
        foreach (var (name, _, launched, took, _) in outcomes)
        {
            Output.WriteLine($"{name}: {launched.DeploymentStatus} after {took.TotalSeconds:0.0} s: {launched.DeploymentReason}");
        }

        Assert.All(outcomes, outcome =>
        {
            Assert.Equal("Failed", outcome.Launched.DeploymentStatus);
            Assert.All(outcome.Says, word => Assert.Contains(word, outcome.Launched.DeploymentReason, StringComparison.Ordinal));
        });
        foreach (var outcome in outcomes)
        {
            await GoneAsync(outcome.Server);
        }
    }

    [Theory]
    [InlineData("exit", "exited with code 7")]
    [InlineData("eat", "out of memory")]
    [InlineData("evict", "being removed")]
    [InlineData("force", "removed")]
    public async Task Pod_ThatEnds_IsReplacedAndTheStateTells(string how, string says)
    {
        var server = await MakeAsync(Container($"kill {how}", memory: "96Mi"));
        using var client = Cluster.Connect(server);
        await client.ToolAsync("echo", cancellationToken: Cancellation);
        var before = await Cluster.DetailsAsync(server.Id);
        var pod = await PodAsync(server);
        var clock = Stopwatch.StartNew();
        switch (how)
        {
            case "evict":
                await Rig.Admin.CoreV1.CreateNamespacedPodEvictionAsync(new V1Eviction { ApiVersion = "policy/v1beta1", Kind = "Eviction", Metadata = new() { Name = pod.Metadata.Name } }, pod.Metadata.Name, KubernetesRig.Namespace, cancellationToken: Cancellation);
                break;
            case "force":
                await Rig.Admin.CoreV1.DeleteNamespacedPodAsync(pod.Metadata.Name, KubernetesRig.Namespace, gracePeriodSeconds: 0, cancellationToken: Cancellation);
                break;
            default:
                await client.ToolAsync(how, cancellationToken: Cancellation);
                break;
        }

        var after = await Cluster.EventuallyAsync(server.Id, $"replaced after {how}", TimeSpan.FromSeconds(90), details => details.IsRunning && details.Generation > before.Generation);
        Output.WriteLine($"{how}: next generation after {clock.Elapsed.TotalSeconds:0.0} s: {after.DeploymentReason}");
        Assert.Contains(says, after.DeploymentReason, StringComparison.Ordinal);
        Assert.Equal("x", (await client.ToolAsync("echo", cancellationToken: Cancellation)).Text);
        await Eventually.ReadAsync("deployments", "one generation only", TimeSpan.FromSeconds(60), () => TracesAsync(server), traces => traces.Count(trace => trace.StartsWith("deployment/", StringComparison.Ordinal)) == 1);
    }

    [Fact]
    public async Task Role_WithoutOneVerb_IsNamedByTheServerThatNeedsIt()
    {
        try
        {
            foreach (var (resource, verb) in Rig.Role.Rules.SelectMany(rule => rule.Resources.SelectMany(resource => rule.Verbs.Select(verb => (resource, verb)))).ToList())
            {
                var role = KubernetesYaml.Deserialize<V1Role>(KubernetesYaml.Serialize(Rig.Role));
                role.Rules = [.. role.Rules.SelectMany(rule => rule.Resources.Select(one => new V1PolicyRule { ApiGroups = rule.ApiGroups, Resources = [one], Verbs = [.. rule.Verbs.Where(it => it != verb || one != resource)] }))];
                await Rig.SetRoleAsync(role);
                var server = await MakeAsync(Container($"without {verb} {resource}", startup: 20));
                var launched = await Cluster.LaunchAsync(server.Id);
                Output.WriteLine($"without '{verb}' on '{resource}': {launched.DeploymentStatus} {launched.DeploymentReason}");
                if ((resource, verb) is ("pods" or "pods/log" or "events", _) or (_, "get" or "delete"))
                {
                    // it starts all the same: these are for reasons, for what an earlier attempt left, and for the end
                    Assert.True(launched.DeploymentStatus == "Running" || launched.DeploymentReason!.Contains($"'{verb}' on '{resource}", StringComparison.Ordinal), launched.DeploymentReason);
                }
                else
                {
                    Assert.Equal("Failed", launched.DeploymentStatus);
                    Assert.Contains($"'{verb}' on '{resource}", launched.DeploymentReason, StringComparison.Ordinal);
                }

                await Rig.SetRoleAsync();
                await Cluster.StopAsync(server.Id);
            }
        }
        finally
        {
            await Rig.SetRoleAsync();
        }

        await GoneAsync();
    }

    [Fact]
    public async Task Silo_ThatIsKilled_LeavesItsPodsToAnother()
    {
        var server = await MakeAsync(Container("adopted"));
        using var client = Cluster.Connect(server, silo: 1);
        await client.ToolAsync("echo", cancellationToken: Cancellation);
        var before = await Cluster.DetailsAsync(server.Id, silo: 1);
        var pid = int.Parse((await File.ReadAllTextAsync(Path.Combine(Cluster.Data, "run", "silo-1.pid"), Cancellation)).Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        Signals.Send(pid, Signal.Kill);
        var (good, bad, clock) = (0, 0, Stopwatch.StartNew());
        while (clock.Elapsed < TimeSpan.FromSeconds(20))
        {
            var answer = await client.ToolAsync("echo", cancellationToken: Cancellation);
            _ = answer.Result is null ? bad++ : good++;
            await Task.Delay(50, Cancellation);
        }

        Output.WriteLine($"calls through another silo after the kill: {good} good, {bad} bad (bound 0)");
        Assert.Equal(0, bad);
        await Cluster.UpAsync();
        var after = await Cluster.EventuallyAsync(server.Id, "adopted", TimeSpan.FromSeconds(60), details => details.IsRunning);
        Assert.Equal(before.Generation, after.Generation);
    }

    [Fact]
    public async Task Servers_TwoHundredMadeAndRemoved_LeaveNothing()
    {
        const int Count = 200;
        const int AtATime = 10;
        var times = new List<double>();
        var clock = Stopwatch.StartNew();
        using var room = new SemaphoreSlim(AtATime);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, Count).Select(async number =>
        {
            await room.WaitAsync(Cancellation);
            try
            {
                var server = await Cluster.CreateServerAsync(Container($"one of many {number}", startup: 120));
                var started = Stopwatch.StartNew();
                var launched = await Cluster.LaunchAsync(server.Id);
                lock (times)
                {
                    times.Add(started.Elapsed.TotalSeconds);
                }

                await Cluster.DeleteAsync(server.Id);
                return launched.DeploymentStatus == "Running" ? null : launched.DeploymentReason;
            }
            finally
            {
                room.Release();
            }
        }));
        times.Sort();
        Output.WriteLine($"{Count} servers, {AtATime} at a time, made and removed in {clock.Elapsed.TotalSeconds:0} s; start p50 {times[Count / 2]:0.0} s, p95 {times[Count * 95 / 100]:0.0} s");
        Assert.All(outcomes, Assert.Null);
        var left = await GoneAsync();
        Output.WriteLine($"left over: {left.Count} (bound 0)");
    }

    [Fact]
    public async Task Wake_OfAServer_Figures()
    {
        var server = await MakeAsync(Container("wake"));
        var times = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            var clock = Stopwatch.StartNew();
            var launched = await Cluster.LaunchAsync(server.Id);
            Assert.True(launched.DeploymentStatus == "Running", launched.DeploymentReason);
            times.Add(clock.Elapsed.TotalSeconds);
            await Cluster.StopAsync(server.Id);
        }

        times.Sort();
        Output.WriteLine($"wake of a container server in Kubernetes, 20 times: p50 {times[10]:0.00} s, p95 {times[19]:0.00} s (bound 30 s)");
        Assert.True(times[19] < 30);
    }
}
