using System.Globalization;
using Docker.DotNet.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>What the Engine is asked to make for one generation. Nothing here does anything.</summary>
internal sealed class ContainerRequests(DockerNames names, DockerOptions docker)
{
    /// <summary>Port of a guard and of a bridge, inside their network.</summary>
    public const int GuardPort = 8080;
    public const int BridgePort = 8081;

    /// <summary>Where a server listens whose manifest names no port, and under which path.</summary>
    public const int DefaultPort = 8080;
    public const string DefaultPath = "/mcp";

    public const string FilesFolder = "/run/obot/files";
    public const string WriteAheadFolder = ShimImages.WriteAheadFolder;

    /// <summary>A server in an image of its own.</summary>
    /// <param name="environment">What the server is configured with.</param>
    /// <param name="imageUser">User of the image.</param>
    /// <param name="filesVolume">Volume with the values that go to files; null without any.</param>
    public CreateContainerParameters Server(ServerStart start, string image, string? imageUser, IReadOnlyDictionary<string, string> environment, string? filesVolume, ServerNetwork network)
    {
        var config = start.Manifest.ContainerizedConfig!;
        var host = ContainerLimits.Server(start.Manifest.Resources, docker);
        var request = Base(start, DockerNames.Server, image, network, network.Server, host);
        request.User = UserOf(imageUser);
        request.Env = [.. environment.Select(pair => $"{pair.Key}={pair.Value}")];
        if (config.Command is { Length: > 0 } command)
        {
            request.Entrypoint = [command];
        }

        if (config.Args.Count > 0)
        {
            request.Cmd = [.. config.Args];
        }

        if (filesVolume is not null)
        {
            host.Mounts = [new Mount { Type = "volume", Source = filesVolume, Target = FilesFolder }];
        }

        return request;
    }

    /// <summary>A package behind its bridge.</summary>
    /// <param name="packages">Volume of the installed package; a server cannot change what the next one runs.</param>
    public CreateContainerParameters Bridge(ServerStart start, string image, string packages, bool packagesReadOnly, ServerNetwork network)
    {
        var host = ContainerLimits.Server(start.Manifest.Resources, docker);
        host.Init = true;
        host.Tmpfs![ShimImages.Home] = Home;
        host.Mounts = [new Mount { Type = "volume", Source = packages, Target = ShimImages.PackageFolder, ReadOnly = packagesReadOnly }];
        var request = Base(start, DockerNames.Server, image, network, network.Server, host);
        request.Cmd = ["bridge"];
        request.User = Own;
        request.OpenStdin = true;
        request.Env = Inherited();
        return request;
    }

    /// <summary>The run that fetches a package into its volume.</summary>
    public CreateContainerParameters Installer(ServerStart start, string image, string packages, ServerNetwork network)
    {
        var request = Bridge(start, image, packages, packagesReadOnly: false, network);
        request.Name = names.Container(start.Instance, start.Generation, DockerNames.Installer);
        request.Labels![DockerNames.RoleLabel] = DockerNames.Installer;
        // npm wants more than most servers, and for a moment only
        request.HostConfig!.Memory = request.HostConfig.MemorySwap = Math.Max(request.HostConfig.Memory, 1L << 30);
        return request;
    }

    /// <param name="publish">Address of the Engine's machine on which its port is published.</param>
    public CreateContainerParameters Guard(ServerStart start, string image, string publish, ServerNetwork network, bool ownWayOut)
    {
        var host = ContainerLimits.Guard(docker);
        var request = Base(start, DockerNames.Guard, image, network, network.Guard, host);
        var port = string.Create(CultureInfo.InvariantCulture, $"{GuardPort}/tcp");
        request.Cmd = ["guard"];
        request.User = Own;
        request.OpenStdin = true;
        request.Env = ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1"];
        request.ExposedPorts = new Dictionary<string, EmptyStruct>(StringComparer.Ordinal) { [port] = default };
        host.PortBindings = new Dictionary<string, IList<PortBinding>>(StringComparer.Ordinal) { [port] = [new PortBinding { HostIP = publish, HostPort = "" }] };
        host.Mounts = [new Mount { Type = "volume", Source = names.WriteAheadVolume(start.Instance), Target = WriteAheadFolder, VolumeOptions = new VolumeOptions { Labels = names.Labels(start.Instance, 0, DockerNames.WriteAhead) } }];
        if (ownWayOut)
        {
            // a network without a way out publishes no ports either: the guard stands in the Engine's own and is connected to the server's
            host.NetworkMode = "bridge";
            request.NetworkingConfig = null;
        }

        return request;
    }

    private static string Own => string.Create(CultureInfo.InvariantCulture, $"{ShimImages.User}:{ShimImages.User}");

    private string Home => $"{ContainerLimits.Temporary(docker.TemporarySize, "0700")},uid={ShimImages.User},gid={ShimImages.User}";

    private CreateContainerParameters Base(ServerStart start, string role, string image, ServerNetwork network, string address, HostConfig host)
    {
        host.NetworkMode = network.Name;
        return new CreateContainerParameters
        {
            Name = names.Container(start.Instance, start.Generation, role),
            Image = image,
            Labels = names.Labels(start.Instance, start.Generation, role),
            HostConfig = host,
            NetworkingConfig = new NetworkingConfig
            {
                EndpointsConfig = new Dictionary<string, EndpointSettings>(StringComparer.Ordinal)
                {
                    [network.Name] = new() { IPAMConfig = new EndpointIPAMConfig { IPv4Address = address } },
                },
            },
        };
    }

    /// <summary>Root is nobody's default.</summary>
    internal string UserOf(string? imageUser)
    {
        var user = (imageUser ?? "").Split(':')[0];
        return docker.RunAs != "image" && user is "" or "root" or "0" ? docker.RunAs : imageUser ?? "";
    }

    /// <summary>How packages are fetched from this machine: proxies and npm's configuration, unless they only mean something on it.</summary>
    private static List<string> Inherited() =>
    [
        .. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(entry => (Key: (string)entry.Key, Value: (string?)entry.Value ?? ""))
            .Where(pair => pair.Key.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase) || (pair.Key.StartsWith("npm_config_", StringComparison.OrdinalIgnoreCase) && !pair.Value.StartsWith('/')))
            .Where(pair => !pair.Value.Contains("127.0.0.1", StringComparison.Ordinal) && !pair.Value.Contains("localhost", StringComparison.OrdinalIgnoreCase))
            .Select(pair => $"{pair.Key}={pair.Value}"),
    ];
}
