using System.Globalization;
using System.Text.Json.Nodes;

namespace Obot.Grains.Abstractions.IdentityProviders;

/// <summary>Reads an <see cref="ExternalIdentity"/> out of claims (OpenID Connect Core, section 5.1).</summary>
public static class ExternalClaims
{
    /// <summary>More are cut: a token with more names half a directory.</summary>
    public const int MostGroups = 500;
    private const int LongestGroup = 200;
    private const int LongestName = 100;
    private const int LongestSubject = 255;

    /// <summary>Null when there is no usable <c>sub</c>.</summary>
    public static ExternalIdentity? Read(JsonObject claims, AuthProviderSettings settings)
    {
        if (Text(claims, "sub") is not { Length: > 0 and <= LongestSubject } subject)
        {
            return null;
        }

        var email = Text(claims, "email") is { Length: > 2 and <= 254 } address && address.IndexOf('@', StringComparison.Ordinal) > 0 ? address.Trim() : null;
        var name = new[] { Text(claims, "name"), $"{Text(claims, "given_name")} {Text(claims, "family_name")}".Trim(), Text(claims, "preferred_username"), email, subject }
            .First(one => !string.IsNullOrWhiteSpace(one))!;
        var verified = email is not null && (IsTrue(claims["email_verified"]) || IsTrue(claims["xms_edov"]) || (settings.TrustEmail && claims["email_verified"] is null));
        return new(subject, Clean(name), email, verified, Groups(claims, settings.GroupsClaim ?? "groups"));
    }

    /// <summary>An array of texts, one text, or a text with commas or blanks between; a claim whose own name has dots goes before a path.</summary>
    public static IReadOnlyList<string> Groups(JsonObject claims, string path)
    {
        var found = claims[path];
        if (found is null)
        {
            JsonNode? node = claims;
            foreach (var step in path.Split('.'))
            {
                node = (node as JsonObject)?[step];
            }

            found = node;
        }

        var names = found switch
        {
            JsonArray array => array.Select(AsText),
            JsonValue value when AsText(value) is { } text => text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries),
            _ => [],
        };
        return [.. names.OfType<string>().Select(name => name.Trim()).Where(name => name.Length is > 0 and <= LongestGroup && !name.Any(char.IsControl))
            .Distinct(StringComparer.Ordinal).Take(MostGroups)];
    }

    private static string Clean(string name)
    {
        var clean = new string([.. name.Where(c => !char.IsControl(c))]).Trim();
        return clean.Length > LongestName ? clean[..LongestName] : clean;
    }

    private static string? Text(JsonObject claims, string name) => AsText(claims[name]);

    private static string? AsText(JsonNode? node) => node is JsonValue value
        ? value.TryGetValue<string>(out var text) ? text : value.TryGetValue<long>(out var number) ? number.ToString(CultureInfo.InvariantCulture) : null
        : null;

    /// <summary>Some providers write booleans as text.</summary>
    private static bool IsTrue(JsonNode? node) =>
        node is JsonValue value && ((value.TryGetValue<bool>(out var truth) && truth) || (value.TryGetValue<string>(out var text) && text is ("true" or "True" or "1")));
}
