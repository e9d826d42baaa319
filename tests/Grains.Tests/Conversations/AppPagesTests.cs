using System.Text.Json.Nodes;
using Obot.Grains.Conversations.Running;

namespace Obot.Grains.Tests.Conversations;

public sealed class AppPagesTests
{
    [Theory]
    [InlineData("https://api.example.com")]
    [InlineData("https://api.example.com:8443")]
    [InlineData("wss://live.example.com")]
    [InlineData("https://*.example.com")]
    public void Domain_ThatIsAnOrigin_IsKept(string origin) => Assert.Equal([origin], AppPages.Domains(new JsonArray(origin)));

    [Theory]
    [InlineData("*")]
    [InlineData("https://*")]
    [InlineData("https:")]
    [InlineData("http://api.example.com")]
    [InlineData("data:")]
    [InlineData("'unsafe-inline'")]
    [InlineData("https://a.example; script-src *")]
    [InlineData("https://a.example https://b.example")]
    [InlineData("https://a.example/path")]
    [InlineData("https://a.example\n")]
    [InlineData("https://user@a.example")]
    [InlineData("javascript://a.example")]
    public void Domain_ThatWouldSayMoreInAPolicy_IsLeftOut(string hostile) => Assert.Empty(AppPages.Domains(new JsonArray(hostile)));

    [Fact]
    public void Domains_OfAnotherShape_AreNone_AndManyAreFew()
    {
        Assert.Empty(AppPages.Domains(null));
        Assert.Empty(AppPages.Domains(JsonValue.Create("https://a.example")));
        Assert.Empty(AppPages.Domains(new JsonArray(1, new JsonObject(), null)));
        Assert.Equal(20, AppPages.Domains(new JsonArray([.. Enumerable.Range(0, 50).Select(number => (JsonNode)$"https://a{number}.example")])).Count);
    }
}
