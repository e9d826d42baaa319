using Obot.Chat.Conversations.Apps;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Chat.Tests.Conversations;

public sealed class AppFramesTests
{
    [Fact]
    public void Page_ThatNamesNothing_MayLoadAndAskNothing()
    {
        var policy = Directives(new("ui://a", "", [], [], null));
        Assert.Equal("allow-scripts", policy["sandbox"]);
        Assert.Equal("'none'", policy["default-src"]);
        Assert.Equal("'none'", policy["connect-src"]);
        Assert.Equal("'unsafe-inline'", policy["script-src"]);
        Assert.Equal(("'none'", "'none'", "'self'"), (policy["form-action"], policy["base-uri"], policy["frame-ancestors"]));
    }

    [Fact]
    public void Page_ThatNamesOrigins_GetsThemWhereTheyBelong()
    {
        var policy = Directives(new("ui://a", "", ["https://api.example", "wss://live.example"], ["https://cdn.example"], null));
        Assert.Equal("https://api.example wss://live.example", policy["connect-src"]);
        Assert.All(new[] { "script-src", "style-src", "img-src", "font-src", "media-src" }, name => Assert.EndsWith(" https://cdn.example", policy[name], StringComparison.Ordinal));
        Assert.Equal("allow-scripts", policy["sandbox"]);
    }

    [Fact]
    public void Path_WithHostileIds_StaysOnePath() => Assert.Equal("/chat/a%2F..%2Fb/app/c%3Fd", AppFrames.Path("a/../b", "c?d"));

    private static Dictionary<string, string> Directives(AppPage page) =>
        AppFrames.Policy(page).Split("; ").Select(directive => directive.Split(' ', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
}
