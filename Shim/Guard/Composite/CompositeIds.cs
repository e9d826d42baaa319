using System.Globalization;
using System.Text.Json.Nodes;

namespace Obot.Shim.Guard.Composite;

/// <summary>Ids of questions that components ask the caller (sampling, elicitation, roots): each says which component has to get the answer.</summary>
internal static class CompositeIds
{
    private const string Mark = "component-";

    /// <summary>The message as the caller gets it.</summary>
    public static JsonObject Outward(Seat seat, ComponentLink link, JsonObject message)
    {
        if (!message.ContainsKey("method") || message["id"] is not { } id)
        {
            return message;
        }

        var outward = (JsonObject)message.DeepClone();
        outward["id"] = $"{Mark}{IndexOf(seat, link).ToString(CultureInfo.InvariantCulture)}-{id.ToJsonString()}";
        return outward;
    }

    /// <summary>Whose question the caller answers, and the answer as that component expects it; null when it is none of ours.</summary>
    public static (ComponentLink Link, JsonObject Answer)? Inward(Seat seat, JsonObject answer)
    {
        if (answer.Text("id") is not { } id || !id.StartsWith(Mark, StringComparison.Ordinal))
        {
            return null;
        }

        var end = id.IndexOf('-', Mark.Length);
        if (end < 0 || !int.TryParse(id.AsSpan(Mark.Length, end - Mark.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) || index >= seat.Links.Count)
        {
            return null;
        }

        var inward = (JsonObject)answer.DeepClone();
        try
        {
            inward["id"] = JsonNode.Parse(id[(end + 1)..]);
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }

        return (seat.Links[index], inward);
    }

    private static int IndexOf(Seat seat, ComponentLink link)
    {
        for (var index = 0; index < seat.Links.Count; index++)
        {
            if (ReferenceEquals(seat.Links[index], link))
            {
                return index;
            }
        }

        return -1;
    }
}
