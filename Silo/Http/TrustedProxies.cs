using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace Obot.Silo.Http;

/// <summary>
/// Where a proxy of ours stands before the silo, the address of a caller is what it wrote into <c>X-Forwarded-For</c>; from anybody else
/// the header is worth nothing. Scheme and host stay out of it: they come from <c>Obot:PublicUrl</c> alone.
/// </summary>
internal static class TrustedProxies
{
    /// <summary>Reads <c>10.0.0.7</c> and <c>10.0.0.0/8</c>, separated by commas.</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out IReadOnlyList<IPNetwork>? networks)
    {
        var read = new List<IPNetwork>();
        networks = read;
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPAddress.TryParse(part, out var address))
            {
                read.Add(new(address, address.GetAddressBytes().Length * 8));
            }
            else if (IPNetwork.TryParse(part, out var network))
            {
                read.Add(network);
            }
            else
            {
                networks = null;
                return false;
            }
        }

        return true;
    }

    public static IApplicationBuilder UseTrustedProxies(this IApplicationBuilder app, string proxies)
    {
        if (!TryRead(proxies, out var networks) || networks.Count == 0)
        {
            return app;
        }

        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in networks)
        {
            options.KnownIPNetworks.Add(network);
        }

        return app.UseForwardedHeaders(options);
    }
}
