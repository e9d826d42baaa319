using System.Collections.Frozen;
using System.Text.Json;

namespace Obot.Grains.Abstractions.Identity;

/// <summary>Roles as the management API writes them: <c>basic</c>, <c>power</c>, <c>powerPlus</c>, <c>admin</c>, <c>owner</c>.</summary>
public static class RoleNames
{
    private static readonly FrozenDictionary<string, Role> ByName =
        Enum.GetValues<Role>().ToFrozenDictionary(role => role.ToString(), StringComparer.OrdinalIgnoreCase);

    /// <summary>In rising order.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Enum.GetValues<Role>().Select(Text)];

    public static string Text(this Role role) => JsonNamingPolicy.CamelCase.ConvertName(role.ToString());

    /// <summary>By name, in any case; never by number.</summary>
    public static bool TryParse(string? text, out Role role) => ByName.TryGetValue(text ?? "", out role);

    /// <exception cref="InvalidInputException">There is no such role; names <paramref name="field"/>.</exception>
    public static Role Parse(string? text, string field) => TryParse(text, out var role)
        ? role
        : throw new InvalidInputException(field, $"There is no role '{text}'. Allowed: {string.Join(", ", All.Select(name => $"'{name}'"))}.");
}
