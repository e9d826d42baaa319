using Microsoft.AspNetCore.Http;

namespace Obot.Chat.Sessions;

/// <summary>
/// Names and attributes of our cookies. They end in the cluster's id, because cookies know no ports. Behind https they are
/// <c>__Host-</c> cookies: only this host can have set them. Browsers refuse that prefix without <c>Secure</c>, hence the plain name on
/// http, which is for loopback.
/// </summary>
internal sealed record SessionCookies(string ClusterId, bool IsHttps)
{
    public string Session => Name("session");

    public string Antiforgery => Name("antiforgery");

    /// <summary>Marks a browser in which a local account signed in before.</summary>
    public string Device => Name("device");

    public CookieSecurePolicy Secure => IsHttps ? CookieSecurePolicy.Always : CookieSecurePolicy.None;

    private string Name(string what) => $"{(IsHttps ? "__Host-" : "")}obot-{what}-{ClusterId}";
}
