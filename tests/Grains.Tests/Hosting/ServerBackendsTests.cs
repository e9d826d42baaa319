using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting;

namespace Obot.Grains.Tests.Hosting;

/// <summary>Which backend a server is given to.</summary>
public sealed class ServerBackendsTests
{
    [Theory]
    [InlineData(Runtimes.Npx, "", BackendNames.Process)]
    [InlineData(Runtimes.Uvx, "", BackendNames.Process)]
    [InlineData(Runtimes.Containerized, "", BackendNames.Docker)]
    [InlineData(Runtimes.Remote, "", BackendNames.Pool)]
    [InlineData(Runtimes.Npx, "docker", BackendNames.Docker)]
    [InlineData(Runtimes.Remote, "docker", BackendNames.Pool)]
    [InlineData(Runtimes.Containerized, "kubernetes", BackendNames.Kubernetes)]
    [InlineData(Runtimes.Remote, "kubernetes", BackendNames.Pool)]
    public void Choice_ByRuntimeAndConfiguration_IsFixed(string runtime, string configured, string name) =>
        Assert.Equal(name, ServerBackends.NameFor(runtime, configured));

    [Fact]
    public void Choice_ContainerWithProcessesOnly_SaysWhatToSet() =>
        Assert.Contains("Obot:Hosting:Backend", Assert.Throws<ServerStartException>(() => ServerBackends.NameFor(Runtimes.Containerized, "process")).Message, StringComparison.Ordinal);
}
