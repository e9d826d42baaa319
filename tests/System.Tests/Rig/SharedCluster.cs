namespace Obot.SystemTests.Rig;

/// <summary>One cluster of two silos for every test that does no lasting harm to it.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    public const string Name = "shared cluster";
    private ObotCluster? cluster;

    internal ObotCluster Cluster => cluster ?? throw new InvalidOperationException("not started");

    public async ValueTask InitializeAsync() => cluster = await ObotCluster.StartAsync(silos: 2, ("Obot__OAuth__RegistrationsPerHour", "1000"));

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }
    }
}

[CollectionDefinition(SharedCluster.Name)]
public sealed class SharedClusterDefinition : ICollectionFixture<SharedCluster>;

/// <summary>A test on the shared cluster: shows the cluster's log when it fails and removes the servers that it made.</summary>
[Collection(SharedCluster.Name)]
public abstract class SharedClusterTest(SharedCluster shared, ITestOutputHelper output) : IAsyncDisposable
{
    private readonly List<string> made = [];

    protected ITestOutputHelper Output => output;

    private protected ObotCluster Cluster => shared.Cluster;

    private protected async Task<McpServer> MakeAsync(object manifest) => Adopt(await Cluster.CreateServerAsync(manifest));

    /// <summary>A server that somebody else made is removed with the test's own.</summary>
    private protected McpServer Adopt(McpServer server)
    {
        made.Add(server.Id);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (TestContext.Current.TestState?.Result is TestResult.Failed)
        {
            output.WriteLine(Cluster.LogTail());
        }

        foreach (var id in made)
        {
            try
            {
                await Cluster.DeleteAsync(id);
            }
            catch (HttpRequestException exception)
            {
                output.WriteLine($"server {id} was not removed: {exception.Message}");
            }
        }
    }
}
