using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Obot.Silo.Configuration;

/// <summary>
/// How guards in containers reach the control listener of this silo. A loopback address means the container itself there, so on one machine
/// the listener is bound to the address of Docker's bridge as well, which containers of every network reach and other machines do not.
/// </summary>
internal static class ContainerReach
{
    private const string Bridge = "docker0";
    private const string Socket = "/var/run/docker.sock";
    private static readonly IPAddress DefaultBridge = new([172, 17, 0, 1]);

    /// <summary>Fills in <see cref="GuardListenerOptions.ContainerControlUrl"/> and <see cref="GuardListenerOptions.BridgeAddress"/> where nothing is configured.</summary>
    public static void Complete(ObotOptions options, string backend)
    {
        var guard = options.Guard;
        if (guard.ContainerControlUrl.Length > 0 || !options.HasRole(SiloRoles.Gateway))
        {
            return;
        }

        var urls = guard.ControlUrl.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (!urls.Any(url => new Uri(url).IsLoopback))
        {
            guard.ContainerControlUrl = guard.ControlUrl;
        }
        else if (!OperatingSystem.IsLinux())
        {
            // Docker Desktop: its machine is not this one, and this name leads back
            guard.ContainerControlUrl = Url("host.docker.internal", guard.ListenPort);
        }
        else if (backend == "docker" || Address() is not null || File.Exists(Socket))
        {
            guard.BridgeAddress = Address() ?? DefaultBridge;
            guard.ContainerControlUrl = Url(guard.BridgeAddress.ToString(), guard.ListenPort);
        }
    }

    private static string Url(string host, int port) => string.Create(CultureInfo.InvariantCulture, $"wss://{host}:{port}/control");

    private static IPAddress? Address() => NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(network => network.Name == Bridge)?.GetIPProperties().UnicastAddresses
        .Select(unicast => unicast.Address).FirstOrDefault(address => address.AddressFamily is AddressFamily.InterNetwork);
}
