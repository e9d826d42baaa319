using System.Globalization;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Management;

/// <summary><c>?limit&amp;cursor</c> of every list.</summary>
internal readonly record struct ListQuery(int Limit, string? Cursor)
{
    public const int Default = 50;
    public const int Max = 500;

    /// <exception cref="InvalidInputException">Not a number from 1 to 500.</exception>
    public static ListQuery Of(HttpContext context)
    {
        var query = context.Request.Query;
        var text = query["limit"].ToString();
        var limit = Default;
        if (text.Length > 0 && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > Max))
        {
            throw new InvalidInputException("limit", $"Must be a whole number from 1 to {Max} (default {Default}).");
        }

        return new(limit, query["cursor"].ToString() is { Length: > 0 } cursor ? cursor : null);
    }
}

/// <summary>Switches of a query.</summary>
internal static class QueryFlags
{
    /// <exception cref="InvalidInputException">Neither 'true' nor 'false'.</exception>
    public static bool Flag(this HttpContext context, string name) => context.Request.Query[name].ToString() switch
    {
        "" or "false" => false,
        "true" => true,
        var other => throw new InvalidInputException(name, $"'{other}' is not allowed. Allowed: 'true', 'false' (default)."),
    };
}

/// <summary>One page of a list.</summary>
/// <param name="NextCursor">Absent on the last page.</param>
internal sealed record ListBody<T>(IReadOnlyList<T> Items, string? NextCursor)
{
    public static ListBody<T> Of<TView>(Page<TView> page, Func<TView, T> map) => new([.. page.Items.Select(map)], page.NextCursor);
}
