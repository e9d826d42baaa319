using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Obot.Grains.Abstractions.LocalAccounts;

namespace Obot.Grains.LocalAccounts;

/// <summary>
/// Who is counted. A browser in which the account signed in before has a count of its own (OWASP: device cookies), so that strangers who
/// guess at a name slow each other down and not the person it belongs to.
/// </summary>
internal sealed class Attempts(IGrainFactory grains)
{
    private const int FreeByName = 5;
    private const int FreeByAddress = 40;

    public Task<TimeSpan> ByAddress(string clientIp) => Grain("address", Network(clientIp)).Begin(FreeByAddress);

    /// <summary>Many people share an address; only failures count against it.</summary>
    public Task Forgive(string clientIp) => Grain("address", Network(clientIp)).Forgive();

    public Task<TimeSpan> ByName(string userName, string? device) => OfName(userName, device).Begin(FreeByName);

    public Task Succeeded(string userName, string? device) => OfName(userName, device).Succeeded();

    private IAttemptsGrain OfName(string userName, string? device) =>
        device is null ? Grain("name", Hash(userName)) : Grain("device", Hash($"{userName}\n{device}"));

    /// <summary>One IPv6 customer has a /64 at least.</summary>
    internal static string Network(string clientIp)
    {
        if (!IPAddress.TryParse(clientIp, out var address))
        {
            return "unknown";
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }

    private IAttemptsGrain Grain(string kind, string key) => grains.GetGrain<IAttemptsGrain>($"{kind}:{key}");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
}
