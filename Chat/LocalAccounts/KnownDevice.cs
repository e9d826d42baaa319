using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Obot.Chat.Sessions;

namespace Obot.Chat.LocalAccounts;

/// <summary>
/// A sealed cookie that says: in this browser the account signed in before. It signs nobody in; it only gives the browser a count of
/// wrong passwords of its own, so that strangers cannot lock a person out.
/// </summary>
internal sealed class KnownDevice(IDataProtectionProvider protection, SessionCookies cookies)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(180);
    private readonly ITimeLimitedDataProtector protector = protection.CreateProtector("obot-known-device").ToTimeLimitedDataProtector();

    /// <summary>Null in a browser that the account does not know.</summary>
    public string? Read(HttpContext context, string userName)
    {
        try
        {
            return context.Request.Cookies[cookies.Device] is { Length: > 0 and < 1024 } text
                && protector.Unprotect(text).Split('\n', 2) is [var device, var name]
                && name == Normal(userName)
                ? device
                : null;
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return null;
        }
    }

    public void Write(HttpContext context, string userName, string device) =>
        context.Response.Cookies.Append(cookies.Device, protector.Protect($"{device}\n{Normal(userName)}", Lifetime), new CookieOptions
        {
            HttpOnly = true, Secure = cookies.IsHttps, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = Lifetime, IsEssential = true,
        });

    private static string Normal(string userName) => userName.Trim().ToLowerInvariant();
}
