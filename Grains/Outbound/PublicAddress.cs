using System.Net;
using System.Net.Sockets;

namespace Obot.Grains.Outbound;

/// <summary>
/// Whether an address is one of the public internet: everything that IANA's special-purpose registries (RFC 6890) keep for something
/// else is not, nor what it has not given out, also where it hides in an IPv6 address that carries an IPv4 one.
/// </summary>
internal static class PublicAddress
{
    /// <summary>All that IANA has given out of IPv6 (RFC 4291, section 2.4), and the prefix of NAT64 that carries public IPv4 addresses.</summary>
    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    private static readonly IPNetwork[] Special =
    [
        .. Parse("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
        .. Parse("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        .. Parse("2001::/23", "2001:db8::/32", "3fff::/20"),
    ];

    public static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return (address.AddressFamily is AddressFamily.InterNetwork || GlobalUnicast.Contains(address) || Nat64.Contains(address))
            && !Array.Exists(Special, network => network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address))
            && (Embedded(address) is not { } inner || Is(inner));
    }

    /// <summary>Where clouds hand out credentials of the machine; no MCP server is there.</summary>
    public static bool IsLinkLocal(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.IsIPv6LinkLocal || (address.AddressFamily is AddressFamily.InterNetwork && address.GetAddressBytes() is [169, 254, ..]);
    }

    /// <summary>The IPv4 address inside: NAT64 (RFC 6052), 6to4 (RFC 3056).</summary>
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
            _ => null,
        };
    }

    private static IPNetwork[] Parse(params string[] networks) => [.. networks.Select(text => IPNetwork.Parse(text))];
}
