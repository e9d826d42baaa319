using Microsoft.AspNetCore.Http;
using Obot.Chat.IdentityProviders;
using Obot.Chat.Sessions;

namespace Obot.Chat.Tests.Sessions;

public sealed class SessionCookiesTests
{
    [Fact]
    public void Cookie_BehindHttps_BelongsToThisHostAlone() =>
        Assert.Equal(("__Host-obot-session-c1", CookieSecurePolicy.Always), (new SessionCookies("c1", IsHttps: true).Session, new SessionCookies("c1", IsHttps: true).Secure));

    [Fact]
    public void Cookie_OnPlainHttp_HasNoPrefixThatBrowsersWouldRefuse() =>
        Assert.Equal("obot-session-c1", new SessionCookies("c1", IsHttps: false).Session);

    /// <summary>Content of our pages is ours: nobody writes on them through a link.</summary>
    [Fact]
    public void Failure_WithForeignText_ShowsNone()
    {
        Assert.DoesNotContain("<", SignInFailures.Text(SignInFailures.Provider, "<b>call this number</b>"), StringComparison.Ordinal);
        Assert.Null(SignInFailures.Text("anything", "else"));
        Assert.Equal("/login?failed=provider", SignInFailures.Url(SignInFailures.Provider, "//evil.example", "two words"));
    }
}
