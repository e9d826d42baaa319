using System.Net;
using System.Net.Sockets;

namespace Obot.Shim.Guard.Forwarding;

/// <summary>
/// Connections to addresses that people name, servers and webhooks. Private ones are where many of them are; what is never asked is where
/// clouds hand out credentials of the machine. The connection goes to the very address that was looked at.
/// </summary>
internal static class Addressed
{
    /// <summary>AWS over IPv6, Alibaba Cloud, Azure's wire server; the others are link-local.</summary>
    private static readonly IPAddress[] Metadata = [IPAddress.Parse("fd00:ec2::254"), IPAddress.Parse("100.100.100.200"), IPAddress.Parse("168.63.129.16")];

    /// <exception cref="HttpRequestException">The name has no address, or one that is never asked.</exception>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint to, CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(to.Host, cancellationToken);
        if (addresses.Length == 0 || Array.Exists(addresses, IsNeverAsked))
        {
            throw new HttpRequestException($"'{to.Host}' is a link-local address, which is never asked");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, to.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool IsNeverAsked(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.IsIPv6LinkLocal || (address.AddressFamily is AddressFamily.InterNetwork && address.GetAddressBytes() is [169, 254, ..]) || Metadata.Contains(address);
    }
}
