using System.Net;
using System.Net.Sockets;

namespace Obot.Grains.Outbound;

/// <summary>
/// Whether an address is one of the public internet: everything that IANA's special-purpose registries (RFC 6890) keep for something
/// else is not, also where it hides in an IPv6 address that carries an IPv4 one.
/// </summary>
internal static class PublicAddress
{
    private static readonly IPNetwork[] Special =
    [
        .. Parse("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
        .. Parse("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        .. Parse("::/128", "::1/128", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    ];

    public static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return !Array.Exists(Special, network => network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address))
            && (Embedded(address) is not { } inner || Is(inner));
    }

    /// <summary>The IPv4 address inside: NAT64 (RFC 6052), 6to4 (RFC 3056), IPv4-compatible (RFC 4291).</summary>
    private static IPAddress? Embedded(IPAddress address)
    {
        if (address.AddressFamily is not AddressFamily.InterNetworkV6)
        {
            return null;
        }

        var bytes = address.GetAddressBytes();
        return bytes switch
        {
            [0x00, 0x64, 0xff, 0x9b, ..] => new(bytes.AsSpan(12)),
            [0x20, 0x02, ..] => new(bytes.AsSpan(2, 4)),
            _ when !bytes.AsSpan(0, 12).ContainsAnyExcept((byte)0) => new(bytes.AsSpan(12)),
            _ => null,
        };
    }

    private static IPNetwork[] Parse(params string[] networks) => [.. networks.Select(text => IPNetwork.Parse(text))];
}
