using System.Diagnostics.CodeAnalysis;

namespace Obot.Chat.Conversations.Markdown;

/// <summary>Which addresses of strangers become links.</summary>
internal static class SafeLink
{
    /// <summary>
    /// Absolute http, https and mailto without user information. A relative one would lead into this platform as if the platform had said it.
    /// </summary>
    public static bool Is(string? address, [NotNullWhen(true)] out Uri? uri) =>
        Uri.TryCreate(address, UriKind.Absolute, out uri) && address!.Contains(':', StringComparison.Ordinal)
        && uri.Scheme is "http" or "https" or "mailto" && (uri.Scheme == "mailto" || (uri.UserInfo.Length == 0 && uri.Host.Length > 0));

    /// <summary>As for <see cref="Is"/>, and a page that a browser can open.</summary>
    public static bool IsPage(string? address, [NotNullWhen(true)] out Uri? uri) => Is(address, out uri) && uri.Scheme is not "mailto";

    /// <summary>Host as a person should read it: what stands for letters of other scripts stays visible.</summary>
    public static string Host(Uri uri) => uri.IsDefaultPort ? uri.IdnHost : $"{uri.IdnHost}:{uri.Port}";
}
