using Obot.Chat.Sessions;

namespace Obot.Chat.Tests.Sessions;

public sealed class ReturnUrlTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/sessions?a=b#c")]
    [InlineData("/oauth/authorize?redirect_uri=https%3A%2F%2Fclient.example%2Fcb")]
    public void Path_OfOurs_IsKept(string url) => Assert.Equal(url, ReturnUrl.Local(url));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("https://evil.example")]
    [InlineData("//evil.example")]
    [InlineData("///evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("\\\\evil.example")]
    [InlineData("/\t/evil.example")]
    [InlineData("/a\\..\\..\\evil.example")]
    [InlineData("/\n/evil.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("evil.example")]
    [InlineData(" //evil.example")]
    public void OpenRedirect_AnyForm_GoesToTheStartPage(string? url) => Assert.Equal("/", ReturnUrl.Local(url));
}
