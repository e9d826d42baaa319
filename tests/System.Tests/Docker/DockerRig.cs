using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Docker;

/// <summary>An Engine, two registries, the images of the tests, and a cluster of two silos that runs everything in Docker.</summary>
public sealed class DockerRig : IAsyncLifetime
{
    public const string Name = "docker";
    private const string Image = "obot-test/server:1";

    private LocalRegistry? open;
    private LocalRegistry? closed;
    private ObotCluster? cluster;
    private DockerEngine? engine;

    internal DockerEngine Engine => engine ?? throw new InvalidOperationException("not started");

    internal ObotCluster Cluster => cluster ?? throw new InvalidOperationException("not started");

    /// <summary>The container server, in the open registry and not on this machine until somebody starts it.</summary>
    internal string Server { get; private set; } = "";

    /// <summary>The same in a registry with a password that the cluster knows.</summary>
    internal string PrivateServer { get; private set; } = "";

    /// <summary>The same in a registry with a password that nobody knows.</summary>
    internal string ForbiddenServer { get; private set; } = "";

    internal string Registry => open!.Address;

    public async ValueTask InitializeAsync()
    {
        engine = await DockerEngine.StartAsync();
        if (engine.Missing is not null)
        {
            return;
        }

        await MakeImageAsync();
        open = await LocalRegistry.StartAsync(withPassword: false);
        closed = await LocalRegistry.StartAsync(withPassword: true);
        Server = await open.PushAsync(Image, Image);
        PrivateServer = await closed.PushAsync(Image, "team/private:1", withPassword: true);
        // another name of the same registry, for which there are no credentials
        ForbiddenServer = $"localhost:{closed.Address.Split(':')[1]}/team/private:1";
        cluster = await ObotCluster.StartAsync(
            2,
            ("Obot__Hosting__Backend", "docker"),
            ("Obot__Hosting__HealthInterval", "00:00:02"),
            ("Obot__Hosting__Docker__SweepInterval", "00:00:05"),
            ("Obot__Hosting__Docker__Registries__0__Server", closed.Address),
            ("Obot__Hosting__Docker__Registries__0__Username", LocalRegistry.User),
            ("Obot__Hosting__Docker__Registries__0__Password", LocalRegistry.Password));
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }

        if (open is not null)
        {
            await open.DisposeAsync();
        }

        if (closed is not null)
        {
            await closed.DisposeAsync();
        }

        if (engine is not null)
        {
            await engine.DisposeAsync();
        }
    }

    /// <summary>Node.js, the libraries that it needs and the fixture: <c>FROM scratch</c> without a registry to pull from.</summary>
    private static async Task MakeImageAsync()
    {
        const string Script = """
            set -eu
            root=$(mktemp -d)
            trap 'rm -rf "$root"' EXIT
            node=$(command -v node)
            mkdir -p "$root/usr/bin" "$root/tmp"
            cp -L "$node" "$root/usr/bin/node"
            ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; done
            cp "$1" "$root/server.mjs"
            tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["/usr/bin/node", "/server.mjs"]' --change 'ENV PORT=8099' - "$2"
            """;
        var fixture = Path.Combine(Repository.Root, "tests", "Fixtures", "container-server", "server.mjs");
        (await ProcessRunner.RunAsync("/bin/sh", ["-c", Script, "sh", fixture, Image], TimeSpan.FromMinutes(2))).Checked();
    }
}

[CollectionDefinition(DockerRig.Name, DisableParallelization = true)]
public sealed class DockerRigDefinition : ICollectionFixture<DockerRig>;

/// <summary>A test with real Docker; left out loudly where none can be had.</summary>
[Collection(DockerRig.Name)]
public abstract class DockerTest(DockerRig rig, ITestOutputHelper output) : IAsyncLifetime
{
    private readonly List<string> made = [];

    private protected DockerRig Rig => rig;

    private protected ObotCluster Cluster => rig.Cluster;

    protected ITestOutputHelper Output => output;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        if (rig.Engine.Missing is { } reason)
        {
            Assert.Skip($"Docker: {reason}");
        }

        return ValueTask.CompletedTask;
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
            await Cluster.DeleteAsync(id);
        }
    }

    private protected async Task<McpServer> MakeAsync(object manifest)
    {
        var server = await Cluster.CreateServerAsync(manifest);
        made.Add(server.Id);
        return server;
    }

    /// <summary>As the catalog format has it.</summary>
    private protected static object Container(string name, string image, string[]? args = null, object[]? env = null, string? memory = null, int startup = 60, bool health = true, bool denyAllEgress = false) => new
    {
        name,
        serverUserType = "multiUser",
        runtime = "containerized",
        containerizedConfig = new { image, port = 8099, path = "/mcp", healthzPath = health ? "/healthz" : null, args = args ?? [], startupTimeoutSeconds = startup, denyAllEgress },
        env = env ?? [],
        resources = memory is null ? null : new { limits = new { memory } },
    };

    /// <summary>Names of all containers of a server, running or not.</summary>
    private protected static Task<IReadOnlyList<string>> ContainersAsync(McpServer server) =>
        DockerEngine.LinesAsync("ps", "-a", "--filter", $"label=obot.instance={server.Id}", "--format", "{{.Names}}");

    /// <summary>Everything of a server on the Engine: containers, networks, volumes.</summary>
    private protected static async Task<IReadOnlyList<string>> TracesAsync(McpServer server) =>
    [
        .. await ContainersAsync(server),
        .. await DockerEngine.LinesAsync("network", "ls", "--filter", $"label=obot.instance={server.Id}", "--format", "{{.Name}}"),
        .. await DockerEngine.LinesAsync("volume", "ls", "--filter", $"label=obot.instance={server.Id}", "--format", "{{.Name}}"),
    ];

    private protected async Task<string> InspectAsync(ServerDetails details, string role, string format)
    {
        var container = details.Processes!.Single(process => process.Role == role).Container ?? throw new InvalidOperationException($"{role} is no container: {details}");
        return await DockerEngine.RunAsync("inspect", "--format", format, container);
    }
}
