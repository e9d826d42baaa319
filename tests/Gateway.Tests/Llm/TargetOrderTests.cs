using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

public sealed class TargetOrderTests
{
    private const int Draws = 4000;
    private static readonly LlmProvider Provider = new() { Id = "p", Kind = "openai", BaseUrl = "http://x", Settings = new(), Credentials = new Dictionary<string, string>(StringComparer.Ordinal), Revision = 1 };

    [Fact]
    public void Group_OfWeights_IsAskedInTheirProportion()
    {
        var random = new Random(8);
        var first = Enumerable.Range(0, Draws).Count(_ => TargetOrder.Of([Target("heavy", 3), Target("light", 1)], random)[0].Name == "heavy");
        Assert.InRange(first, Draws * 0.72, Draws * 0.78);
    }

    [Fact]
    public void Order_ComesBeforeWeight_AndEveryTargetIsLeftAsAFallback()
    {
        var random = new Random(8);
        for (var i = 0; i < 100; i++)
        {
            var order = TargetOrder.Of([Target("second", 100, order: 1), Target("first", 1), Target("other first", 1)], random);
            Assert.Equal(3, order.Count);
            Assert.Equal("second", order[^1].Name);
        }
    }

    [Fact]
    public void Target_OfWeightNothing_IsNotAskedWhereThereAreOthers() =>
        Assert.Equal("on", Assert.Single(TargetOrder.Of([Target("off", 0), Target("on", 1)], new Random(8))).Name);

    private static LlmTarget Target(string name, int weight, int order = 0) => new(Provider, name, name, name, ModelUsages.Chat, Prices: null) { Weight = weight, Order = order };
}
