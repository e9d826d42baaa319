using Obot.Data.Tables;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Policies;

namespace Obot.Grains.Tests.Policies;

public sealed class RuleBookTests
{
    private static readonly ServerEntry Server = new("s1", PerUser: false, "owner") { CatalogEntryId = "e1", CatalogId = "c1" };

    [Fact]
    public void Book_PicksWhatTouchesTheServer()
    {
        var book = new RuleBook(
        [
            Rule("by server", servers: ["s1", "s2"], users: ["ann"]),
            Rule("other server", servers: ["s2"], users: ["bob"]),
            Rule("by entry", entries: ["e1"], groups: ["g1"]),
            Rule("other entry", entries: ["e2"], groups: ["g2"]),
            Rule("by catalog", catalogs: ["c1"], users: ["cy"], tools: ["b", "a"]),
            Rule("by everything", everything: true, everyone: true, tools: ["a", "b"]),
        ]);
        var policy = book.For(Server);
        Assert.Equal("owner", policy.OwnerId);
        Assert.Equal(2, policy.Grants.Count);
        Assert.Equal(["ann"], policy.Grants[0].Users);
        Assert.Equal(["g1"], policy.Grants[0].Groups);
        Assert.Null(policy.Grants[0].Tools);

        // the same tools in another order are one grant
        Assert.Equal(["a", "b"], policy.Grants[1].Tools);
        Assert.Equal(["cy"], policy.Grants[1].Users);
        Assert.True(policy.Grants[1].Everyone);
        Assert.True(book.IsNamed("g2"));
        Assert.False(book.IsNamed("g3"));
        Assert.Single(book.For(new ServerEntry("s9", PerUser: true, "x")).Grants);
    }

    [Fact]
    public void Policies_OfTwoReadings_AreTheSameUnlessSomethingTouchedTheServer()
    {
        var before = new RuleBook([Rule("r", servers: ["s1"], users: ["ann", "bob"], tools: ["x"])]).For(Server);
        Assert.True(before.SameAs(new RuleBook([Rule("r", servers: ["s1"], users: ["bob", "ann"], tools: ["x"]), Rule("q", servers: ["s2"], everyone: true)]).For(Server)));
        Assert.False(before.SameAs(new RuleBook([Rule("r", servers: ["s1"], users: ["ann"], tools: ["x"])]).For(Server)));
        Assert.False(before.SameAs(new RuleBook([Rule("r", servers: ["s1"], users: ["ann", "bob"])]).For(Server)));
        Assert.False(before.SameAs(new RuleBook([Rule("r", servers: ["s1"], users: ["ann", "bob"], tools: ["x"], everyone: true)]).For(Server)));
        Assert.False(before.SameAs(new RuleBook([Rule("r", servers: ["s1"], users: ["ann", "bob"], tools: ["x"])]).For(Server with { OwnerId = "other" })));
        Assert.False(before.SameAs(new RuleBook([]).For(Server)));
    }

    /// <summary>A thousand rules are indexed once, and a thousand guards ask for theirs.</summary>
    [Fact]
    public void Book_OfAThousandRules_AnswersAThousandGuardsQuickly()
    {
        var rules = Enumerable.Range(0, 1000).Select(i => Rule($"r{i}", servers: [$"s{i}", $"s{i + 1}"], groups: [$"g{i % 50}"], tools: i % 3 == 0 ? [$"tool{i}", "read_*"] : null)).ToArray();
        var begun = TimeProvider.System.GetTimestamp();
        var book = new RuleBook(rules);
        for (var guard = 0; guard < 1000; guard++)
        {
            var server = new ServerEntry($"s{guard}", PerUser: false, "owner");
            Assert.Same(book.For(server), book.For(server with { }));
            Assert.InRange(book.For(server).Grants.Count, 1, 2);
        }

        var took = TimeProvider.System.GetElapsedTime(begun);
        TestContext.Current.TestOutputHelper?.WriteLine($"1,000 rules indexed and picked for 1,000 servers in {took.TotalMilliseconds:0} ms");
        Assert.True(took < TimeSpan.FromSeconds(2), $"{took}");
    }

    internal static AccessRuleRow Rule(
        string id, string[]? servers = null, string[]? entries = null, string[]? catalogs = null, bool everything = false, string[]? users = null, string[]? groups = null, bool everyone = false, string[]? tools = null) => new()
    {
        Id = id,
        DisplayName = id,
        CreatedBy = "owner",
        Everyone = everyone,
        UserIds = users ?? [],
        GroupIds = groups ?? [],
        Everything = everything,
        ServerIds = servers ?? [],
        EntryIds = entries ?? [],
        CatalogIds = catalogs ?? [],
        Tools = tools,
        Revision = 1,
        CreatedAt = DateTimeOffset.UnixEpoch,
        UpdatedAt = DateTimeOffset.UnixEpoch,
    };
}
