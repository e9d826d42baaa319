using Obot.Grains.Abstractions.Filters;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Filters;

internal static class FilterContracts
{
    /// <summary>As guards take it at their start; later ones come by the control channel.</summary>
    public static GuardFilter Contract(this ServerFilter filter) => new()
    {
        Id = filter.Id,
        Name = filter.Name,
        Kind = filter.Kind,
        Url = filter.Url,
        Secret = filter.Secret,
        Selectors = [.. filter.Selectors.Select(one => new GuardFilterSelector { Method = one.Method, Identifiers = one.Identifiers })],
        OnRequest = filter.OnRequest,
        OnResponse = filter.OnResponse,
        AllowedToMutate = filter.AllowedToMutate,
        TimeoutMilliseconds = (int)filter.Timeout.TotalMilliseconds,
    };
}
