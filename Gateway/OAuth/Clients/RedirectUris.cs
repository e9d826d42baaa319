using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Obot.Gateway.OAuth.Clients;

/// <summary>Where a client may be sent back to (OAuth 2.1, section 2.3; RFC 8252).</summary>
internal static partial class RedirectUris
{
    private const int MaxLength = 2000;

    /// <summary>Schemes that run, show or read something instead of handing a code to an application.</summary>
    private static readonly HashSet<string> Dangerous = new(StringComparer.OrdinalIgnoreCase)
    {
        "about", "blob", "chrome", "content", "data", "file", "filesystem", "ftp", "intent", "jar", "javascript", "mailto", "ms-settings", "resource", "sms", "tel", "vbscript", "view-source", "ws", "wss",
    };

    /// <summary>Null when it may be registered; otherwise why not.</summary>
    public static string? Fault(string text)
    {
        if (text.Length > MaxLength || text.Any(IsNoUriCharacter) || !Uri.TryCreate(text, UriKind.Absolute, out var uri))
        {
            return $"must be an absolute URI of at most {MaxLength} characters";
        }

        if (text.Contains('#', StringComparison.Ordinal) || uri.UserInfo.Length > 0)
        {
            return "must have neither fragment nor user";
        }

        return uri.Scheme switch
        {
            "https" => null,
            "http" => uri.IsLoopback ? null : "may be plain http on localhost, 127.0.0.1 or [::1] only",
            _ when Dangerous.Contains(uri.Scheme) => $"has the scheme '{uri.Scheme}', which is no application's own",
            _ when text.StartsWith(uri.Scheme + "://", StringComparison.OrdinalIgnoreCase) || uri.Scheme.Contains('.', StringComparison.Ordinal) => null,
            _ => "must be https, http on loopback, or an application's own scheme",
        };
    }

    public static bool IsLoopback(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri is { Scheme: "http", IsLoopback: true };

    /// <summary>Equal byte for byte; for http on loopback with whatever port, which a native client learns only when it listens (RFC 8252, section 7.3).</summary>
    public static bool Match(string registered, string presented) =>
        string.Equals(registered, presented, StringComparison.Ordinal)
        || (TryWithoutPort(registered, out var left) && TryWithoutPort(presented, out var right) && string.Equals(left, right, StringComparison.Ordinal));

    /// <summary>What no URI holds (RFC 3986) and programs read in different ways: a backslash ends the host for some and not for others.</summary>
    private static bool IsNoUriCharacter(char c) => char.IsControl(c) || char.IsWhiteSpace(c) || c is '\\';

    private static bool TryWithoutPort(string text, [NotNullWhen(true)] out string? rest)
    {
        // as it was written: nothing normalized, nothing equal that looks different
        var match = LoopbackUri().Match(text);
        rest = match.Success && IsLoopback(text) && !text.Any(IsNoUriCharacter) ? match.Groups["host"].Value + match.Groups["rest"].Value : null;
        return rest is not null;
    }

    [GeneratedRegex(@"^http://(?<host>localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?(?<rest>[/?].*)?\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LoopbackUri();
}
