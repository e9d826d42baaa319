using System.Text;
using System.Text.Json.Nodes;
using NSubstitute;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting;

namespace Obot.Grains.Tests.Hosting.Kubernetes;

/// <summary>The backend against an API server in this process: what it asks for, in which order, and what becomes of refusals.</summary>
public sealed class KubernetesBackendTests
{
    private const string Container = """{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i:1","startupTimeoutSeconds":3},"env":[{"key":"SECRET","value":"s3cret-value"},{"key":"FILE","value":"in-a-file","file":true}]}""";
    private const string Package = """{"name":"a","runtime":"npx","npxConfig":{"package":"p","startupTimeoutSeconds":3},"env":[{"key":"SECRET","value":"s3cret-value"},{"key":"NPM_TOKEN","value":"npm"}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Container)]
    [InlineData(Package)]
    public async Task Start_OfAServer_PartsTheSecretsAndIsGoneAfterItsEnd(string manifest)
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        var start = ManifestTests.Start(manifest);
        var deployment = await host.Backend.StartAsync(start, Cancellation);
        Assert.Equal(($"http://{host.PodAddress}:8099", "kubernetes"), (deployment.GuardUrl, deployment.Backend));
        Assert.Null(await host.Backend.ProbeAsync(start.Instance, deployment, Cancellation));

        var secrets = host.Api.All("secrets").ToDictionary(secret => secret["metadata"]!["name"]!.GetValue<string>().Split('-')[^1], Text);
        Assert.Contains("guard-credential", secrets["guard"], StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret-value", secrets["guard"], StringComparison.Ordinal);
        Assert.Contains("s3cret-value", secrets["server"], StringComparison.Ordinal);
        Assert.DoesNotContain("guard-credential", secrets["server"], StringComparison.Ordinal);

        // nothing but references in what anybody who may list pods sees
        Assert.All(host.Api.All("deployments").Concat(host.Api.All("pods")), item => Assert.DoesNotContain("s3cret-value", item.ToJsonString(), StringComparison.Ordinal));

        await host.Backend.StopAsync(start.Instance, start.Generation, deployment.Host, Cancellation);
        Assert.Empty(new[] { "deployments", "services", "secrets", "pods" }.SelectMany(host.Api.All));
        Assert.Equal("obot-closed-", Assert.Single(host.Api.All("networkpolicies"))["metadata"]!["name"]!.GetValue<string>()[..12]);
    }

    [Fact]
    public async Task Installer_OfAPackage_KnowsTheRegistryAndNoSecretOfTheServer()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        await host.Backend.StartAsync(ManifestTests.Start(Package), Cancellation);
        var server = host.Api.All("secrets").Single(secret => secret["metadata"]!["name"]!.GetValue<string>().EndsWith("-server", StringComparison.Ordinal));
        var installer = Encoding.UTF8.GetString(Convert.FromBase64String(server["data"]!["installer"]!.GetValue<string>()));
        Assert.Contains("NPM_TOKEN", installer, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", installer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("create deployments", "'create' on 'deployments.apps'")]
    [InlineData("patch deployments", "'patch' on 'deployments.apps'")]
    [InlineData("list deployments", "'list' on 'deployments.apps'")]
    [InlineData("create secrets", "'create' on 'secrets'")]
    [InlineData("create services", "'create' on 'services'")]
    [InlineData("create networkpolicies", "'create' on 'networkpolicies.networking.k8s.io'")]
    public async Task Start_WithoutAVerb_SaysWhichAndLeavesNothing(string denied, string says)
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        host.Api.Denied.Add(denied);
        var failure = await Assert.ThrowsAsync<ServerStartException>(() => host.Backend.StartAsync(ManifestTests.Start(Container), Cancellation));
        Assert.Contains(says, failure.Message, StringComparison.Ordinal);
        Assert.Empty(new[] { "deployments", "services", "secrets", "pods" }.SelectMany(host.Api.All));
    }

    [Theory]
    [InlineData("watch pods")]
    [InlineData("get pods/log")]
    [InlineData("list events")]
    public async Task Start_WithoutAVerbThatItCanDoWithout_Works(string denied)
    {
        await using var host = await KubernetesTestHost.StartAsync();
        host.Api.Denied.Add(denied);
        await host.WatchAsync();
        await host.Backend.StartAsync(ManifestTests.Start(Container), Cancellation);
        Assert.Equal(denied == "watch pods", host.Pods.Fault is not null);
    }

    [Fact]
    public async Task Watch_ThatIsNotAllowed_SaysTheVerbAndBacksOff()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        host.Api.Denied.Add("watch pods");
        await host.WatchAsync();
        Assert.Contains("'watch' on 'pods'", host.Pods.Fault, StringComparison.Ordinal);
        Assert.InRange(host.Api.Asked.Count(asked => asked == "watch pods"), 1, 8);
    }

    [Fact]
    public async Task Name_ThatIsTaken_IsLeftAloneAndSaid()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        var name = ManifestTests.Names.Generation(ManifestTests.Instance, 7);
        host.Api.Put("deployments", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["app"] = "somebody's" } }, ["spec"] = new JsonObject { ["replicas"] = 0 } });
        var failure = await Assert.ThrowsAsync<ServerStartException>(() => host.Backend.StartAsync(ManifestTests.Start(Container), Cancellation));
        Assert.Contains("did not make", failure.Message, StringComparison.Ordinal);
        Assert.Equal("somebody's", Assert.Single(host.Api.All("deployments"))["metadata"]!["labels"]!["app"]!.GetValue<string>());
        Assert.DoesNotContain("patch deployments", host.Api.Asked);
    }

    [Fact]
    public async Task Generation_ThatWasBegunBefore_IsBroughtToItsShape()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        var start = ManifestTests.Start(Container);
        var first = await host.Backend.StartAsync(start, Cancellation);
        var again = await host.Backend.StartAsync(start, Cancellation);
        Assert.Equal(first.GuardUrl, again.GuardUrl);
        Assert.Single(host.Api.All("deployments"));
    }

    [Fact]
    public async Task Start_BesideAnother_LeavesThatOne()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        await host.Backend.StartAsync(ManifestTests.Start(Container, 7), Cancellation);
        await host.Backend.StartAsync(ManifestTests.Start(Container, 8) with { Beside = true }, Cancellation);
        Assert.Equal(2, host.Api.All("deployments").Count());
        await host.Backend.StopAsync(ManifestTests.Instance, 7, "", Cancellation);
        Assert.EndsWith("-8", Assert.Single(host.Api.All("deployments"))["metadata"]!["name"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithoutReadiness_SaysWhatTheGuardSaw()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        host.GuardIsReady = false;
        host.Api.Log = "2026-01-01T00:00:00Z thinking\n";
        var failure = await Assert.ThrowsAsync<ServerStartException>(() => host.Backend.StartAsync(ManifestTests.Start(Container), Cancellation));
        Assert.Contains("within 3 s: nothing listens on port 8080", failure.Message, StringComparison.Ordinal);
        Assert.Contains("thinking", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deployment_ThatMayHaveNoPod_SaysTheQuota()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        host.Api.Pod = () => null;
        host.Api.DeploymentStatus = KubernetesTestHost.Status("""{"conditions":[{"type":"ReplicaFailure","status":"True","message":"pods \"x\" is forbidden: exceeded quota: small"}]}""");
        var failure = await Assert.ThrowsAsync<ServerStartException>(() => host.Backend.StartAsync(ManifestTests.Start(Container), Cancellation));
        Assert.Contains("a quota of namespace servers", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pod_ThatEnds_IsToldToItsGrainAndRemoved()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        await host.Backend.StartAsync(ManifestTests.Start(Container), Cancellation);
        host.Grain.GetDeployment().Returns(new ServerDeployment { Status = DeploymentStatus.Running, Generation = 7 });
        host.Api.Log = "2026-01-01T00:00:00Z cannot open the database\n";
        host.Api.SetPodStatus(KubernetesTestHost.Status("""
            {"phase":"Running","containerStatuses":[{"name":"server","state":{"running":{}},"lastState":{"terminated":{"exitCode":3}}},{"name":"guard","state":{"running":{}}}]}
            """));
        for (var i = 0; i < 100 && host.Api.All("deployments").Any(); i++)
        {
            await Task.Delay(50, Cancellation);
        }

        await host.Grain.Received(1).DeploymentEnded(7, "the server exited with code 3; it last said: cannot open the database");
        Assert.Empty(host.Api.All("deployments"));
    }

    [Fact]
    public async Task Pod_ThatSomebodyRemoves_IsToldToItsGrain()
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        await host.Backend.StartAsync(ManifestTests.Start(Container), Cancellation);
        host.Grain.GetDeployment().Returns(new ServerDeployment { Status = DeploymentStatus.Running, Generation = 7 });
        host.Api.Remove("pods", Assert.Single(host.Api.All("pods"))["metadata"]!["name"]!.GetValue<string>());
        for (var i = 0; i < 100 && host.Api.All("deployments").Any(); i++)
        {
            await Task.Delay(50, Cancellation);
        }

        await host.Grain.Received(1).DeploymentEnded(7, "its pod was removed");
    }

    [Theory]
    [InlineData(DeploymentStatus.Stopped, 7, 0)]
    [InlineData(DeploymentStatus.Running, 7, 1)]
    [InlineData(DeploymentStatus.Running, 8, 0)]
    public async Task Sweep_OfAGenerationAndAStranger_RemovesWhatNoGrainOwns(DeploymentStatus status, long generation, int left)
    {
        await using var host = await KubernetesTestHost.StartAsync();
        await host.WatchAsync();
        await host.Backend.StartAsync(ManifestTests.Start(Container), Cancellation);
        var foreign = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "other", ["labels"] = new JsonObject { ["obot.cluster"] = "another-cluster" } }, ["spec"] = new JsonObject() };
        host.Api.Put("deployments", foreign);
        host.Grain.GetDeployment().Returns(new ServerDeployment { Status = status, Generation = generation });
        await host.Sweep.SweepAsync(Cancellation);
        Assert.Equal(left + 1, host.Api.All("deployments").Count());
        Assert.Contains("other", host.Api.All("deployments").Select(one => one["metadata"]!["name"]!.GetValue<string>()));
    }

    private static string Text(JsonObject secret) => string.Join('\n', secret["data"]!.AsObject().Select(pair => pair.Key + "=" + Encoding.UTF8.GetString(Convert.FromBase64String(pair.Value!.GetValue<string>()))));
}
