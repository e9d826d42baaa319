using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>A hostile server that is a local process: what it reaches of the platform and of other servers.</summary>
public sealed class ProcessIsolationTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task Server_OfALocalProcess_ReadsNeitherThePlatformsSecretsNorAnotherServers()
    {
        Assert.SkipUnless(Environment.UserName == "root", "not root: local servers run as the silo's own user here, as the documentation says");
        using var scratch = new Scratch("snoop");
        var victim = await MakeAsync(Manifests.Npx("victim", await Fixture.PackageSpecAsync(), [.. Fixture.PackageEnvironment(), new { key = "VICTIM_FILE", value = "planted-secret", file = true }]));
        using (var client = Cluster.Connect(victim))
        {
            Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: TestContext.Current.CancellationToken)).Status);
        }

        var silo = Cluster.SiloPids()[0]!.Value;
        var hosted = Cluster.HostedPids().ToList();
        string[] forbidden =
        [
            Path.Combine(Cluster.Data, "encryption-key"),
            Path.Combine(Cluster.Data, "postgres.password"),
            $"/proc/{silo}/environ",
            .. hosted.Select(pid => $"/proc/{pid}/environ"),
            Path.Combine(Cluster.Data, "instances", victim.Id),
            Path.Combine(Cluster.Data, "files", victim.Id),
            Path.Combine(Cluster.Data, "files", victim.Id, "VICTIM_FILE"),
            Path.Combine(Cluster.Data, "log"),
        ];
        var log = scratch.NewFile("seen");
        var snoop = await MakeAsync(await Manifests.StdioFixtureAsync("snoop", "snoops", log, more: ("FIXTURE_SNOOP", string.Join(',', forbidden))));
        using var caller = Cluster.Connect(snoop);
        Assert.Equal(200, (await caller.ToolAsync("echo", cancellationToken: TestContext.Current.CancellationToken)).Status);

        var seen = (await File.ReadAllLinesAsync(log, TestContext.Current.CancellationToken)).Distinct(StringComparer.Ordinal).ToList();
        Output.WriteLine(string.Join('\n', seen));
        Assert.NotEqual("uid 0", seen[0]);
        Assert.All(forbidden, path => Assert.Contains(seen, line => line == $"{path} EACCES"));
        Assert.True(hosted.Count >= 3);
    }
}
