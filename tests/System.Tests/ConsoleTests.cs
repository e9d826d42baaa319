using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>The console in a real browser, over two silos. Screenshots stay in the test output.</summary>
public sealed class ConsoleTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Console_FirstVisit_SignsInAddsStartsAndStopsAServer()
    {
        await Npm.EnsureInstalledAsync();
        await using var cluster = await ObotCluster.StartAsync(2);
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "console")).FullName;
        string[] arguments = [Path.Combine(Repository.Root, "tests", "clients", "console.mjs"), cluster.Printed["sign-in"], cluster.Urls[1].GetLeftPart(UriPartial.Authority), Manifests.Everything, pictures];
        var run = await ProcessRunner.RunAsync("node", arguments, Limit);
        output.WriteLine($"{run.Output}\nscreenshots: {pictures}\n{(run.ExitCode == 0 ? "" : cluster.LogTail())}");

        var result = JsonSerializer.Deserialize<JsonElement>(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Equal(0, run.ExitCode);
        Assert.Empty(result.GetProperty("problems").EnumerateArray());
        Assert.StartsWith("/login", result.GetProperty("codeUsedTwice").GetString(), StringComparison.Ordinal);
        Assert.Equal(result.GetProperty("path").GetString(), result.GetProperty("secondSilo").GetString());
        Assert.True(result.GetProperty("stopped").GetBoolean());
    }
}
