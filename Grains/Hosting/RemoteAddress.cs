using System.Text;
using System.Text.RegularExpressions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>
/// Where a remote server is: a fixed URL, a template with the user's values in it, or a URL of the user's on a host that the manifest
/// allows. A value fills its place and no more: it cannot turn the request to another host.
/// </summary>
internal static partial class RemoteAddress
{
    /// <summary>Key of the URL that a user supplies for <c>hostname</c>.</summary>
    public const string UrlKey = "url";

    private const int MaxUrl = 2000;

    /// <summary>What the address asks a user for, beyond <c>env[]</c>: the names of the template, or the URL.</summary>
    public static IEnumerable<ManifestValue> Asked(ServerManifest manifest) => manifest.RemoteConfig switch
    {
        { UrlTemplate: { } template } => NamesOf(template)
            .Where(name => manifest.Env.All(entry => entry.Key != name))
            .Select(name => new ManifestValue { Key = name, Required = true, Description = $"Part of the server's address {template}" }),
        { Hostname: { } host } => [new ManifestValue { Key = UrlKey, Required = true, Description = $"The server's URL; its host is {host}" }],
        _ => [],
    };

    /// <exception cref="ServerStartException">A value is missing, or does not fit.</exception>
    public static string Of(ServerManifest manifest, IReadOnlyDictionary<string, string> values)
    {
        try
        {
            return manifest.RemoteConfig switch
            {
                { FixedURL: { } url } => url,
                { UrlTemplate: { } template } => Fill(template, name => ValueOf(manifest, values, name)),
                { Hostname: { } host } => OnHost(host, ValueOf(manifest, values, UrlKey)),
                _ => throw new ServerStartException("its manifest has no address"),
            };
        }
        catch (InvalidInputException e)
        {
            throw new ServerStartException($"its address cannot be made: {e.Field}: {e.Message}");
        }
    }

    /// <summary>Does a value that somebody supplies fit? Nothing to say where it has no place in the address.</summary>
    /// <exception cref="InvalidInputException">It does not; the field is the value's key.</exception>
    public static void Check(ServerManifest manifest, string key, string value)
    {
        if (value.Length == 0)
        {
            return;
        }

        if (manifest.RemoteConfig?.UrlTemplate is { } template && NamesOf(template).Contains(key, StringComparer.Ordinal))
        {
            Fill(template, name => name == key ? value : "x");
        }
        else if (manifest.RemoteConfig?.Hostname is { } host && key == UrlKey)
        {
            OnHost(host, value);
        }
    }

    public static IEnumerable<string> NamesOf(string template) => Place().Matches(template).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal);

    private static string ValueOf(ServerManifest manifest, IReadOnlyDictionary<string, string> values, string name) =>
        values.TryGetValue(name, out var supplied) && supplied.Length > 0 ? supplied
        : manifest.Env.FirstOrDefault(entry => entry.Key == name)?.Value is { Length: > 0 } fixedValue ? fixedValue
        : throw new InvalidInputException(name, "Required: it is part of the server's address.");

    /// <summary>Within the authority only what a host name is made of; behind it, escaped.</summary>
    private static string Fill(string template, Func<string, string> value)
    {
        var authority = template.IndexOf("://", StringComparison.Ordinal) + 3;
        var path = template.IndexOfAny(['/', '?'], authority) is var end and >= 0 ? end : template.Length;
        var filled = new StringBuilder();
        var from = 0;
        foreach (Match match in Place().Matches(template))
        {
            var name = match.Groups["name"].Value;
            filled.Append(template, from, match.Index - from);
            filled.Append(match.Index < path ? HostPart(name, value(name)) : Uri.EscapeDataString(value(name)));
            from = match.Index + match.Length;
        }

        var url = filled.Append(template, from, template.Length - from).ToString();
        return RemoteValidation.IsHttp(url) ? url : throw new InvalidInputException(NamesOf(template).First(), "With this value the server's address is no URL.");
    }

    private static string HostPart(string name, string value)
    {
        // people paste what their browser shows
        var host = value.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? value[8..].TrimEnd('/') : value;
        return host.Length is > 0 and <= 253 && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-')
            ? host
            : throw new InvalidInputException(name, "It stands in the host of the server's address: letters, digits, '.' and '-' only.");
    }

    private static string OnHost(string pattern, string url) =>
        url.Length <= MaxUrl && RemoteValidation.IsHttp(url) && Matches(pattern, new Uri(url).IdnHost)
            ? url
            : throw new InvalidInputException(UrlKey, $"Must be an http or https URL whose host is {(pattern.StartsWith("*.", StringComparison.Ordinal) ? $"below {pattern[2..]}" : pattern)}.");

    private static bool Matches(string pattern, string host) => pattern.StartsWith("*.", StringComparison.Ordinal)
        ? host.Length > pattern.Length - 1 && host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
        : host.Equals(pattern, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Place();
}
