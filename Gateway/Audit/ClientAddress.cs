using Microsoft.AspNetCore.Http;

namespace Obot.Gateway.Audit;

/// <summary>Where a client's connection comes from, as text.</summary>
internal static class ClientAddress
{
    /// <summary>Null where there is no network in between (tests).</summary>
    public static string? Of(HttpContext context) => context.Connection.RemoteIpAddress switch
    {
        null => null,
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
        var address => address.ToString(),
    };
}
