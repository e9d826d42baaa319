using Microsoft.EntityFrameworkCore;
using NSubstitute;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Llm;

namespace Obot.Grains.Tests.Llm;

[Collection(nameof(PostgresTests))]
public sealed class LlmChangesTests(Postgres postgres)
{
    private readonly Principal _admin = new(RandomId.New("u1"), Role.Admin, "c", Scopes.All);

    [Fact]
    public async Task Changes_OfWhatTheLlmGatewayIsTold_SayWhoDidWhat()
    {
        var budgets = new StoredLlmBudgets(postgres.Databases, Substitute.For<IGrainFactory>(), TimeProvider.System);
        var budget = await budgets.Create(_admin, new() { DisplayName = "small", Subject = new("user", "*"), Tokens = 10 }, default);
        await budgets.Update(_admin, budget.Id, new() { DisplayName = "large", Subject = new("user", "*"), Tokens = 1000 }, default);
        Assert.True(await budgets.Delete(_admin, budget.Id, default));
        Assert.False(await budgets.Delete(_admin, budget.Id, default));

        var policies = new StoredModelAccessPolicies(postgres.Databases, TimeProvider.System);
        var policy = await policies.Create(_admin, new() { DisplayName = "all", Subjects = [new("selector", "*")], Models = [new("*")] }, default);
        Assert.True(await policies.Delete(_admin, policy.Id, default));

        await using var db = await postgres.Databases.CreateDbContextAsync();
        var changes = await db.Changes.Where(row => row.UserId == _admin.UserId).OrderBy(row => row.Id).ToListAsync();
        Assert.Equal(
            ["llm-budgets create small", "llm-budgets update large", "llm-budgets delete large", "model-access-policies create all", "model-access-policies delete all"],
            changes.Select(row => $"{row.Kind} {row.Action} {row.SubjectName}"));
        Assert.Equal([budget.Id, budget.Id, budget.Id, policy.Id, policy.Id], changes.Select(row => row.SubjectId));
    }
}
