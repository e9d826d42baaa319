using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>Rules of <c>remoteConfig</c>.</summary>
internal static class RemoteValidation
{
    private const string OneOf = "Exactly one of 'fixedURL', 'urlTemplate' and 'hostname' is required.";
    private const int MaxUrl = 2000;

    public static void Check(RemoteConfig? config, string path)
    {
        if (config is null)
        {
            return;
        }

        var given = new[] { ("fixedURL", config.FixedURL), ("urlTemplate", config.UrlTemplate), ("hostname", config.Hostname) }.Where(one => one.Item2 is not null).ToArray();
        if (given.Length != 1)
        {
            throw new InvalidInputException(given.Length == 0 ? $"{path}.fixedURL" : $"{path}.{given[1].Item1}", OneOf);
        }

        if (config.FixedURL is { } url && !IsHttp(url))
        {
            throw new InvalidInputException($"{path}.fixedURL", "Must be an absolute http or https URL without user name, password and fragment, e.g. 'https://mcp.example.com/mcp'.");
        }

        if (config.UrlTemplate is { } template && !IsTemplate(template))
        {
            throw new InvalidInputException($"{path}.urlTemplate", "Must be an http or https URL with '${NAME}' in places, e.g. 'https://${TENANT}.example.com/mcp'.");
        }

        if (config.Hostname is { } host && !IsHostPattern(host))
        {
            throw new InvalidInputException($"{path}.hostname", "Must be a host name such as 'mcp.example.com' or '*.example.com'.");
        }

        ManifestEntries.Check(config.Headers, $"{path}.headers", environment: false);
    }

    public static bool IsHostPattern(string? text)
    {
        var name = text?.StartsWith("*.", StringComparison.Ordinal) is true ? text[2..] : text;
        return name is { Length: > 0 and <= 253 } && Uri.CheckHostName(name) is not UriHostNameType.Unknown;
    }

    internal static bool IsHttp(string text) =>
        text.Length <= MaxUrl
        && !text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
        && Uri.TryCreate(text, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
        && url.Host.Length > 0
        && url.UserInfo.Length == 0
        && url.Fragment.Length == 0;

    private static bool IsTemplate(string text) =>
        text.Contains("${", StringComparison.Ordinal)
        && IsHttp(System.Text.RegularExpressions.Regex.Replace(text, @"\$\{[A-Za-z_][A-Za-z0-9_]*\}", "x", default, TimeSpan.FromSeconds(1)));
}
