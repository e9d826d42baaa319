using Obot.Grains.Hosting.Docker;
using Obot.Grains.Hosting.Kubernetes;

namespace Obot.Grains.Hosting;

/// <summary>Section <c>Obot:Hosting</c>.</summary>
public sealed class HostingOptions
{
    /// <summary>
    /// Where servers run: <c>process</c>, <c>docker</c>, <c>kubernetes</c>. Default: packages (<c>npx</c>, <c>uvx</c>) as local processes, <c>containerized</c>
    /// in Docker. Remote and composite servers share the guards of a pool whatever it says.
    /// </summary>
    public string Backend { get; set; } = "";

    public DockerOptions Docker { get; } = new();

    public KubernetesOptions Kubernetes { get; } = new();

    /// <summary>A server without a call for so long is stopped; it wakes on the next one. Default 10 minutes, at least 1 second.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The same for one runtime (<c>npx</c>, <c>uvx</c>, <c>containerized</c>, <c>remote</c>, <c>composite</c>), where it differs. Default: none.
    /// </summary>
    public IDictionary<string, TimeSpan> IdleTimeouts { get; } = new Dictionary<string, TimeSpan>(StringComparer.OrdinalIgnoreCase);

    /// <summary>How long the calls in hand of a generation that was replaced may go on before it is ended all the same. Default 5 minutes.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromMinutes(5);

    internal TimeSpan IdleTimeoutOf(string? runtime) => runtime is not null && IdleTimeouts.TryGetValue(runtime, out var own) ? own : IdleTimeout;

    /// <summary>The shim's executable, or its <c>.dll</c>. Default: beside the silo.</summary>
    public string? ShimPath { get; set; }

    /// <exception cref="ServerStartException">It is not there.</exception>
    internal string Shim
    {
        get
        {
            var path = ShimPath ?? Path.Combine(AppContext.BaseDirectory, "Obot.Shim");
            return File.Exists(path) ? path : throw new ServerStartException($"the shim was not found at '{path}': set Obot:Hosting:ShimPath");
        }
    }

    /// <summary>Folder of the platform on this machine; instances live below <c>instances/</c>, packages below <c>packages/</c>. Default <c>.obot</c>.</summary>
    public string DataPath { get; set; } = ".obot";

    /// <summary>
    /// As root on Linux, every local process server has a user id of its own. Default true; <c>false</c> runs servers as root, which only those who
    /// trust each of them should do.
    /// </summary>
    public bool OwnAccounts { get; set; } = true;

    /// <summary>Time between two health checks. Default 10 s.</summary>
    public TimeSpan HealthInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Health checks that have to fail in a row before a server is restarted. Default 3.</summary>
    public int HealthFailures { get; set; } = 3;

    /// <summary>Longest pause between two attempts to start a server that keeps failing. Default 5 minutes.</summary>
    public TimeSpan MaxBackOff { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Starts in a row that may fail before only a call starts the server again. Default 5.</summary>
    public int MaxAutomaticRestarts { get; set; } = 5;

    /// <summary>Longest silence of a server within one call. Default 1 hour.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromHours(1);
}
