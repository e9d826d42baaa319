using System.Globalization;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Audit;
using Obot.Grains.Hosting.Docker;
using Obot.Grains.Filters;
using Obot.Grains.Hosting.Process;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Hosting;

/// <summary>
/// Writes the two boot documents of a generation. This is where the secrets part: the bridge gets the server's configuration and
/// nothing of the cluster, the guard the reverse.
/// </summary>
internal sealed class BootDocuments(IAssertionIssuer assertions, IControlCertificate certificate, ServerAccounts accounts, ControlAddresses control, IOptions<HostingOptions> options, IOptions<GuardOptions> guard, IOptions<SecurityOptions> security, IOptions<LimitOptions> limits, IOptions<AuditOptions> audit, AuditFolders journals)
{
    private const string SessionKeyPurpose = "mcp-session";

    /// <summary>Null for a server without a process of ours.</summary>
    public BridgeBoot? Bridge(ServerStart start, string socket, string secret)
    {
        var (runtime, package) = start.Manifest.Runtime switch
        {
            Runtimes.Npx => (Runtimes.Npx, start.Manifest.NpxConfig!),
            Runtimes.Uvx => (Runtimes.Uvx, start.Manifest.UvxConfig!),
            Runtimes.Remote => default,
            var other => throw new ServerStartException($"runtime '{other}' cannot be run as a local process"),
        };
        if (runtime is null)
        {
            return null;
        }

        var instance = start.Instance.ToString().Replace('/', '~');
        var users = accounts.Of(instance, package.Package);
        var files = accounts.Files(instance);
        var (environment, contents) = ServerEnvironment.Of(start, files);
        foreach (var (name, content) in contents)
        {
            WriteFile(files, name, content, users);
        }

        return new()
        {
            Socket = socket,
            Secret = secret,
            WorkingDirectory = accounts.Home(instance, users),
            Environment = environment,
            Accounts = users,
            Command = new()
            {
                Runtime = runtime,
                Package = package.Package,
                Command = package.Command,
                Arguments = package.Args,
                PackageCache = accounts.Packages(),
            },
            Limits = new() { StartupTimeoutSeconds = start.Manifest.StartupTimeoutSeconds },
        };
    }

    /// <summary>A bridge in a container of its own.</summary>
    /// <param name="packagesReadOnly">Somebody else fetched the package.</param>
    public BridgeBoot BridgeInContainer(ServerStart start, string secret, int port, bool packagesReadOnly)
    {
        var (environment, files) = ServerEnvironment.Of(start, FilesOf(ShimImages.Home));
        return new()
        {
            Listen = string.Create(CultureInfo.InvariantCulture, $"0.0.0.0:{port}"),
            Secret = secret,
            WorkingDirectory = ShimImages.Home,
            Environment = environment,
            Files = files,
            Command = CommandInContainer(start.Manifest, packagesReadOnly),
            Limits = new() { StartupTimeoutSeconds = start.Manifest.StartupTimeoutSeconds },
        };
    }

    /// <summary>The run that fetches a package: it knows how to reach the registry, and nothing else of the server.</summary>
    public BridgeBoot Installer(ServerStart start) => new()
    {
        Secret = "",
        WorkingDirectory = ShimImages.Home,
        PrepareOnly = true,
        Environment = ServerEnvironment.Of(start, FilesOf(ShimImages.Home)).Environment.Where(pair => ServerEnvironment.ConfiguresNpm(pair.Key)).ToDictionary(StringComparer.Ordinal),
        Command = CommandInContainer(start.Manifest, packagesReadOnly: false),
        Limits = new() { StartupTimeoutSeconds = start.Manifest.StartupTimeoutSeconds },
    };

    private static BridgeCommand CommandInContainer(ServerManifest manifest, bool packagesReadOnly)
    {
        var package = manifest.Runtime == Runtimes.Npx ? manifest.NpxConfig! : manifest.UvxConfig!;
        return new()
        {
            Runtime = manifest.Runtime,
            Package = package.Package,
            Command = package.Command,
            Arguments = package.Args,
            PackageCache = ShimImages.PackageFolder,
            PackagesReadOnly = packagesReadOnly,
        };
    }

    private static string FilesOf(string folder) => $"{folder}/.files";

    /// <summary>A guard that is a process of this silo.</summary>
    public GuardBoot Guard(ServerStart start, string socket, string secret) => Guard(
        start,
        $"{guard.Value.ListenAddress}:0",
        control.ForProcesses,
        new() { Socket = socket, Secret = secret },
        journals.Of(start.Instance));

    /// <summary>For a guard of many instances: what one of them is.</summary>
    /// <exception cref="ServerStartException">Its address lacks a value.</exception>
    public GuardBoot Pooled(ServerStart start) => Guard(
        start,
        listen: "",
        control.ForProcesses,
        start.Manifest.CompositeConfig is { } composite ? new() { Composite = Of(start, composite) } : new() { Url = RemoteAddress.Of(start.Manifest, start.Values) },
        journals.Of(start.Instance));

    /// <summary>For a guard of many instances: what it is itself.</summary>
    public PoolBoot Pool() => new()
    {
        Listen = $"{guard.Value.ListenAddress}:0",
        ControlUrls = control.ForProcesses,
        ClusterCaPem = certificate.AuthorityPem,
        Credential = assertions.IssueGuardCredential(GuardIdentity.Pool, 1),
    };

    /// <summary>A guard anywhere.</summary>
    /// <param name="listen"><c>host:port</c>, as the guard itself sees it.</param>
    /// <param name="controlUrls">Control endpoints as the guard reaches them.</param>
    /// <param name="journal">Where the guard keeps records until the cluster has them, as the guard sees it; outlives the guard.</param>
    public GuardBoot Guard(ServerStart start, string listen, IReadOnlyList<string> controlUrls, GuardUpstream upstream, string journal = "/var/obot") => new()
    {
        Instance = start.Instance.ToString(),
        Generation = start.Generation,
        Listen = listen,
        ControlUrls = controlUrls,
        ClusterCaPem = certificate.AuthorityPem,
        Credential = assertions.IssueGuardCredential(start.Instance, start.Generation),
        AssertionKeys = assertions.PublicKeys,
        SessionKey = Convert.ToBase64String(assertions.DeriveKey(SessionKeyPurpose, start.Instance.ToString())),
        Policy = new()
        {
            Revision = start.Access.Revision,
            Owners = [start.Access.Policy.OwnerId],
            Rules = [.. start.Access.Policy.Grants.Select(grant => new GuardRule { Everyone = grant.Everyone, Users = grant.Users, Groups = grant.Groups, Tools = grant.Tools })],
            Filters = [.. start.Access.Filters.Select(filter => filter.Contract())],
        },
        RecoversSessions = start.Manifest.SessionRecovery is not SessionRecoveries.Expire,
        StalenessMilliseconds = (long)Math.Min(start.Access.Staleness.TotalMilliseconds, int.MaxValue),
        MaxStalenessMilliseconds = (long)security.Value.MaxStaleness.TotalMilliseconds,
        EraBridge = start.Manifest.EraBridge,
        Upstream = upstream with { Exchanges = start.Manifest.Runtime == Runtimes.Remote || ManifestEntries.HeadersOf(start.Manifest).Any() },
        Audit = new()
        {
            Folder = journal,
            Key = Convert.ToBase64String(journals.KeyOf(start.Instance)),
            MaxBodyBytes = audit.Value.MaxBodyBytes,
            MaxBacklogBytes = audit.Value.MaxBacklogBytes,
            DropWhenFull = audit.Value.WhenFull is AuditWhenFull.Drop,
        },
        Limits = new()
        {
            CallTimeoutSeconds = (int)options.Value.CallTimeout.TotalSeconds,
            RequestsPerSecondPerUser = limits.Value.RequestsPerSecondPerUserAndInstance,
            ConcurrentCallsPerUser = limits.Value.ConcurrentCallsPerUserAndInstance,
            RequestsPerSecond = limits.Value.RequestsPerSecondPerInstance,
            ConcurrentCalls = limits.Value.ConcurrentCallsPerInstance,
        },
    };

    private static CompositeUpstream Of(ServerStart start, CompositeConfig composite) => new()
    {
        Name = start.Manifest.Name,
        Components =
        [
            .. composite.ComponentServers.Select(component => new CompositeComponent
            {
                Server = component.Id,
                Title = start.Titles.GetValueOrDefault(component.Id, component.Id),
                Prefix = component.ToolPrefix ?? "",
                Tools = [.. component.ToolOverrides.Select(tool => new CompositeTool { Name = tool.Name, NewName = tool.OverrideName, Description = tool.OverrideDescription, Enabled = tool.Enabled })],
            }),
        ],
    };

    private static void WriteFile(string folder, string key, string value, BridgeAccounts? users)
    {
        var path = Path.Combine(folder, key);
        using (var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(value));
        }

        ServerAccounts.Give(path, users);
    }
}

/// <summary>Section <c>Obot:Guard</c>.</summary>
public sealed class GuardOptions
{
    /// <summary>Address that guards of the process backend listen on; the gateways have to reach it. Default 127.0.0.1.</summary>
    public string ListenAddress { get; set; } = "127.0.0.1";

    /// <summary>
    /// Where guards dial out to (<c>wss://host:port/control</c>), separated by commas. Default: this silo's own control listener; on a
    /// silo without the role <c>gateway</c> those that the gateway silos tell of when they join.
    /// </summary>
    public string ControlUrl { get; set; } = "";

    /// <summary>Guards of a silo that serve many instances each: those of remote and composite servers. Default 2, at least 1.</summary>
    public int PoolSize { get; set; } = 2;

    /// <summary>
    /// The same as guards in containers reach it, separated by commas. Default: <see cref="ControlUrl"/> where it is no loopback address,
    /// else the address of Docker's bridge on this machine, which the listener is bound to as well; empty without role <c>gateway</c>.
    /// </summary>
    public string ContainerControlUrl { get; set; } = "";

    internal IReadOnlyList<string> ControlUrls => Split(ControlUrl);

    internal IReadOnlyList<string> ContainerControlUrls => Split(ContainerControlUrl);

    internal static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
