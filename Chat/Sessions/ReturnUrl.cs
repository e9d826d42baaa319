using System.Diagnostics.CodeAnalysis;

namespace Obot.Chat.Sessions;

/// <summary>Where a browser goes after sign-in: a path of ours. An open redirect would lend our name to another site.</summary>
internal static class ReturnUrl
{
    private const int Longest = 2048;

    public static bool IsLocal([NotNullWhen(true)] string? url) =>
        url is ['/', ..] && url.Length <= Longest && url is not ['/', '/' or '\\', ..] && !url.Any(char.IsControl) && !url.Contains('\\', StringComparison.Ordinal);

    /// <summary>The path, or the start page for anything that is none.</summary>
    public static string Local(string? url) => IsLocal(url) ? url : "/";
}
