using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Docker;

/// <summary>npm packages in the image that the platform makes for them.</summary>
public sealed class PackageTests(DockerRig rig, ITestOutputHelper output) : DockerTest(rig, output)
{
    [Fact]
    public async Task Everything_ByNpxInDocker_AnswersAndItsPackageIsReadOnly()
    {
        var server = await MakeAsync(Manifests.Npx("everything in docker", Manifests.Everything, startupTimeoutSeconds: 120));
        using var client = Cluster.Connect(server);
        var clock = Stopwatch.StartNew();
        var launched = await Cluster.LaunchAsync(server.Id);
        Assert.True(launched.DeploymentStatus == "Running", launched.DeploymentReason);
        Output.WriteLine($"first start, image and package included: {clock.Elapsed.TotalSeconds:0.0} s");
        var session = await client.InitializeAsync(Cancellation);
        var answer = await client.ToolAsync("echo", new() { ["message"] = "hello" }, session, Cancellation);
        Assert.Contains("hello", answer.Text, StringComparison.Ordinal);

        var details = await Cluster.DetailsAsync(server.Id);
        Assert.Equal("docker", details.Backend);
        Assert.Equal("true [ALL] 10001:10001", await InspectAsync(details, "server", "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.Config.User}}"));
        Assert.Equal("/packages false", await InspectAsync(details, "server", "{{range .Mounts}}{{.Destination}} {{.RW}}{{end}}"));

        await Cluster.StopAsync(server.Id);
        clock.Restart();
        var again = await Cluster.LaunchAsync(server.Id);
        Output.WriteLine($"wake of an npx server in Docker: {clock.Elapsed.TotalSeconds:0.00} s (bound 30 s)");
        Assert.True(again.DeploymentStatus == "Running", again.DeploymentReason);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Package_ThatDoesNotExist_SaysSoAndLeavesNothing()
    {
        var server = await MakeAsync(Manifests.Npx("nothing", "@obot-test/there-is-no-such-package@1.0.0", startupTimeoutSeconds: 60));
        var launched = await Cluster.LaunchAsync(server.Id);
        Output.WriteLine(launched.DeploymentReason ?? "");
        Assert.Equal("Failed", launched.DeploymentStatus);
        Assert.Contains("was not found in the registry", launched.DeploymentReason, StringComparison.Ordinal);
        Assert.Empty(await ContainersAsync(server));
    }

    [Theory]
    [InlineData("2025-11-25", false)]
    [InlineData("2026-07-28", true)]
    public async Task Conformance_ThroughDocker_LosesNothing(string revision, bool stateless)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is not null, "OBOT_TEST_ALL is not set: conformance through Docker was left out");
        await using var fixture = await Fixture.StartAsync(stateless);
        var image = await FixtureImageAsync();
        var server = await MakeAsync(new
        {
            name = $"conformance docker {revision}",
            serverUserType = "multiUser",
            runtime = "containerized",
            containerizedConfig = new { image, port = 8099, path = "/mcp", args = (string[])["--http", "8099", "--any", .. stateless ? ["--stateless"] : Array.Empty<string>()] },
        });
        var launched = await Cluster.LaunchAsync(server.Id);
        Assert.True(launched.DeploymentStatus == "Running", launched.DeploymentReason);
        var direct = await Conformance.RunAsync("direct", fixture.Url, revision);
        var docker = await Conformance.RunAsync("docker", Cluster.Endpoint(server), revision, Cluster.Token);
        Output.WriteLine(Conformance.Table(direct, docker));
        Assert.Empty(direct.LostIn(docker));
    }

    /// <summary>The conformance fixture with the .NET that runs these tests.</summary>
    private static async Task<string> FixtureImageAsync()
    {
        const string Script = """
            set -eu
            root=$(mktemp -d)
            trap 'rm -rf "$root"' EXIT
            dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
            mkdir -p "$root/dotnet/shared" "$root/dotnet/host" "$root/app" "$root/tmp"
            cp "$dotnet/dotnet" "$root/dotnet/"
            cp -r "$dotnet/host/fxr" "$root/dotnet/host/"
            cp -r "$dotnet/shared/Microsoft.NETCore.App" "$dotnet/shared/Microsoft.AspNetCore.App" "$root/dotnet/shared/"
            cp -r "$1/." "$root/app/"
            core=$(ls -d "$root"/dotnet/shared/Microsoft.NETCore.App/* | tail -n 1)
            for file in "$root/dotnet/dotnet" "$core/libcoreclr.so" "$core/libSystem.Native.so" "$core/libSystem.Security.Cryptography.Native.OpenSsl.so"; do
              ldd "$file" | grep -o '/[^ ]*' | sort -u | while read -r library; do case "$library" in "$root"*) ;; *) mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library" ;; esac; done
            done
            tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["/dotnet/dotnet", "/app/Obot.ConformanceServer.dll"]' --change 'ENV DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1' - obot-test/conformance:1
            """;
        (await ProcessRunner.RunAsync("/bin/sh", ["-c", Script, "sh", Repository.FixtureFolder], TimeSpan.FromMinutes(3))).Checked();
        return "obot-test/conformance:1";
    }
}
