namespace Obot.Chat.Sessions;

/// <summary>A few words for a person instead of a User-Agent; only for recognition, nothing is decided by it.</summary>
internal static class Browser
{
    // most of them also name those after them
    private static readonly (string Mark, string Name)[] Products =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("HeadlessChrome/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl")];

    private static readonly (string Mark, string Name)[] Systems =
        [("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")];

    public static string Name(string userAgent) =>
        (Of(Products, userAgent), Of(Systems, userAgent)) switch
        {
            ({ } product, { } system) => $"{product} on {system}",
            ({ } product, null) => product,
            (null, { } system) => system,
            _ => userAgent.Length == 0 ? "unknown" : userAgent[..Math.Min(40, userAgent.Length)],
        };

    private static string? Of((string Mark, string Name)[] known, string userAgent) =>
        Array.Find(known, one => userAgent.Contains(one.Mark, StringComparison.Ordinal)).Name;
}
