using Microsoft.Extensions.Primitives;

namespace Obot.Shim.Bridge.Transport;

/// <summary>What <c>Accept</c> allows. A client that does not say takes both.</summary>
internal readonly record struct AcceptedTypes(bool Json, bool EventStream)
{
    public static AcceptedTypes Read(StringValues accept)
    {
        if (StringValues.IsNullOrEmpty(accept))
        {
            return new(Json: true, EventStream: true);
        }

        bool json = false, stream = false;
        foreach (var value in accept)
        {
            var all = value is not null && value.Contains("*/*", StringComparison.Ordinal);
            json |= all || Contains(value, "application/json") || Contains(value, "application/*");
            stream |= all || Contains(value, "text/event-stream") || Contains(value, "text/*");
        }

        return new(json, stream);
    }

    private static bool Contains(string? value, string type) => value is not null && value.Contains(type, StringComparison.OrdinalIgnoreCase);
}
