using Obot.Shim.Bridge.Packages;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Bridge;

public sealed class NpmPackageTests
{
    [Fact]
    public async Task Package_InstalledOnce_IsUsedByLaterStarts()
    {
        var folder = Directory.CreateTempSubdirectory("obot-npm-").FullName;
        var package = MakePackage(folder, """{"other":"other.mjs","local-server":"server.mjs"}""");
        var cache = Path.Combine(folder, "cache");
        for (var start = 0; start < 2; start++)
        {
            var boot = TestBridge.BootOf("legacy");
            boot = boot with { Command = new BridgeCommand { Runtime = "npx", Package = $"file:{package}", Arguments = ["legacy"], PackageCache = cache } };
            await using var bridge = TestBridge.Start(boot);
            var ready = await bridge.NextAsync(ShimEvent.Ready, ShimEvent.Failed);
            Assert.True(ready.Event == ShimEvent.Ready, ready.Reason);
            Assert.Equal(200, (await bridge.CallAsync("pid")).Status);
            Assert.Single(Directory.GetDirectories(Assert.Single(Directory.GetDirectories(Path.Combine(cache, "npm")))));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Package_WithoutAnExecutableOfItsName_SaysSo()
    {
        var folder = Directory.CreateTempSubdirectory("obot-npm-").FullName;
        var package = MakePackage(folder, """{"one":"server.mjs","two":"other.mjs"}""");
        var boot = TestBridge.BootOf("legacy");
        boot = boot with { Command = new BridgeCommand { Runtime = "npx", Package = $"file:{package}", PackageCache = Path.Combine(folder, "cache") } };
        await using var bridge = TestBridge.Start(boot);
        var failed = await bridge.NextAsync(ShimEvent.Ready, ShimEvent.Failed);
        Assert.Contains("has no executable that npx could run", failed.Reason, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("name@1.2.3", true)]
    [InlineData("@scope/name@1.2.3-beta.1", true)]
    [InlineData("name", false)]
    [InlineData("@scope/name", false)]
    [InlineData("name@latest", false)]
    [InlineData("name@^1.2.3", false)]
    [InlineData("file:/x@1.2.3", false)]
    public void Spec_OfAnExactVersion_IsKeptForEver(string spec, bool exact) => Assert.Equal(exact, new PackageSpec(spec).IsExact);

    [Fact]
    public void Folder_OfAPackage_DependsOnTheNpmConfiguration()
    {
        var spec = new PackageSpec("@scope/name@1.2.3");
        var configured = spec.Folder([new("npm_config_registry", "https://other")]);
        Assert.Equal("@scope_name@1.2.3", spec.Folder([]));
        Assert.NotEqual(spec.Folder([]), configured);
        Assert.DoesNotContain('/', configured);
        Assert.NotEqual(new PackageSpec("@scope_name@1.2.3").Folder([]), spec.Folder([]));
    }

    private static string MakePackage(string folder, string bin)
    {
        var package = Directory.CreateDirectory(Path.Combine(folder, "package")).FullName;
        File.WriteAllText(Path.Combine(package, "package.json"), $$"""{"name":"@obot-test/local-server","version":"1.0.0","type":"module","bin":{{bin}}}""");
        File.Copy(TestBridge.Script("server.mjs"), Path.Combine(package, "server.mjs"));
        File.WriteAllText(Path.Combine(package, "other.mjs"), "#!/usr/bin/env node\nprocess.exit(1);\n");
        return package;
    }
}
