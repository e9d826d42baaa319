using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Llm;

namespace Obot.Grains.Tests.Llm;

public sealed class ModelPatternsTests
{
    private static readonly LlmProvider Provider = new() { Id = "openai", Kind = "openai", BaseUrl = "http://x", Settings = new(), Credentials = new Dictionary<string, string>(StringComparer.Ordinal), Revision = 1 };

    [Fact]
    public void Nobody_AdministratorsIncluded_MayUseAModelWithoutAPolicy() =>
        Assert.Equal(LlmVerdict.Denied, Book([]).Resolve(Caller("ann", Role.Owner), "gpt-5").Verdict);

    [Theory]
    [InlineData("gpt-5", "gpt-5", LlmVerdict.Allowed)]
    [InlineData("gpt-5", "gpt-5-mini", LlmVerdict.Denied)]
    [InlineData("gpt-*", "gpt-5-mini", LlmVerdict.Allowed)]
    [InlineData("openai/gpt-5", "gpt-5", LlmVerdict.Allowed)]
    [InlineData("openai/*", "gpt-5-mini", LlmVerdict.Allowed)]
    [InlineData("m1", "gpt-5", LlmVerdict.Allowed)]
    [InlineData("llm", "llm", LlmVerdict.Allowed)]
    [InlineData("llm", "gpt-5", LlmVerdict.Denied)]
    [InlineData("gpt-5", "llm", LlmVerdict.Allowed)]
    [InlineData("*", "gone", LlmVerdict.Unknown)]
    [InlineData("*", "off", LlmVerdict.Unknown)]
    public void Policy_OpensWhatItNames(string policy, string asked, LlmVerdict verdict) =>
        Assert.Equal(verdict, Book([Policy(policy, everyone: true)]).Resolve(Caller("ann"), asked).Verdict);

    [Fact]
    public void Policy_IsForItsUsersAndGroupsOnly()
    {
        var book = Book([Policy("gpt-5", users: ["ann"]), Policy("gpt-5-mini", groups: ["team"])]);
        Assert.Equal(LlmVerdict.Allowed, book.Resolve(Caller("ann"), "gpt-5").Verdict);
        Assert.Equal(LlmVerdict.Denied, book.Resolve(Caller("bob"), "gpt-5").Verdict);
        Assert.Equal(LlmVerdict.Allowed, book.Resolve(Caller("bob") with { Groups = ["team"] }, "gpt-5-mini").Verdict);
        Assert.Equal(["gpt-5"], book.Visible(Caller("ann")).Where(listing => listing.OwnedBy != "obot").Select(listing => listing.Name));
    }

    private static LlmBook Book(IReadOnlyList<ModelAccessPolicyRow> policies) => new(
        new Dictionary<string, LlmProvider>(StringComparer.Ordinal) { ["openai"] = Provider },
        [Model("m1", "gpt-5"), Model("m2", "gpt-5-mini"), Model("m3", "off", active: false)],
        [new() { Alias = "llm", Targets = """[{"model":"m1","weight":1,"order":0}]""", UpdatedAt = default }],
        policies,
        [],
        []);

    private static ModelRow Model(string id, string name, bool active = true) =>
        new() { Id = id, ProviderId = "openai", Target = name, Name = name, Usage = "llm", Active = active, CreatedAt = default, UpdatedAt = default };

    private static ModelAccessPolicyRow Policy(string model, bool everyone = false, string[]? users = null, string[]? groups = null) => new()
    {
        Id = model, DisplayName = model, Everyone = everyone, UserIds = users ?? [], GroupIds = groups ?? [], Models = [model], CreatedBy = "x", Revision = 1, CreatedAt = default, UpdatedAt = default,
    };

    private static Principal Caller(string id, Role role = Role.Basic) => new(id, role, $"key-{id}", [Scopes.Llm]);
}
