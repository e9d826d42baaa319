using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Hosting;
using Obot.Grains.Policies;

namespace Obot.Grains.Tests.Policies;

[Collection(nameof(PostgresTests))]
public sealed class AccessRulesTests(Postgres postgres) : IAsyncLifetime
{
    private readonly string _server = RandomId.New("ms1");
    private readonly string _foreign = RandomId.New("ms1");
    private readonly string _group = RandomId.New("g1");
    private readonly Principal _admin = new(RandomId.New("u1"), Role.Admin, "c", Scopes.All);
    private readonly Principal _power = new(RandomId.New("u1"), Role.PowerPlus, "c", Scopes.All);
    private readonly Principal _basic = new(RandomId.New("u1"), Role.Basic, "c", Scopes.All);
    private readonly StoredAccessRules _rules = new(postgres.Databases, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        var now = TimeProvider.System.Now();
        db.Users.AddRange(((Principal[])[_admin, _power, _basic]).Select(one => new UserRow { Id = one.UserId, Name = one.UserId, Role = one.Role.ToString(), CreatedAt = now }));
        db.Groups.Add(new() { Id = _group, ProviderId = "", ExternalId = _group, Name = "Support", CreatedAt = now });
        foreach (var (id, owner) in ((string, string)[])[(_server, _power.UserId), (_foreign, "somebody")])
        {
            db.Servers.Add(new() { Id = id, OwnerId = owner, Name = id, Manifest = "{}", Revision = 1, PerUser = false, CreatedAt = now, UpdatedAt = now });
        }

        await db.SaveChangesAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        await db.AccessRules.ExecuteDeleteAsync();
    }

    [Fact]
    public async Task Rule_Life_IsAnnouncedEveryTime()
    {
        var before = await EventsAsync();
        var made = await _rules.Create(_admin, Rule([Group(_group), Everyone], [Server(_server)], "echo", "echo", "read_*"), default);
        Assert.Equal([Everyone, Group(_group)], made.Subjects);
        Assert.Equal(["echo", "read_*"], made.Tools);
        var changed = await _rules.Update(_admin, made.Id, Rule([User(_basic)], [new(RuleResourceTypes.Selector, "*")]), default);
        Assert.Equal(2, changed?.Revision);
        Assert.Null(changed?.Tools);
        Assert.Equivalent(changed, await _rules.Find(_admin, made.Id, default));
        Assert.True(await _rules.Delete(_admin, made.Id, default));
        Assert.False(await _rules.Delete(_admin, made.Id, default));
        Assert.Null(await _rules.Update(_admin, made.Id, Rule([Everyone], [Server(_server)]), default));
        Assert.Equal(before + 3, await EventsAsync());
    }

    [Fact]
    public async Task Rules_OfAPowerUser_AreThoseOverTheirOwnServers()
    {
        await Assert.ThrowsAsync<NotAllowedException>(() => _rules.List(_basic, 10, null, default));
        await Assert.ThrowsAsync<NotAllowedException>(() => _rules.Create(_power, Rule([Everyone], [Server(_server), Server(_foreign)]), default));
        await Assert.ThrowsAsync<NotAllowedException>(() => _rules.Create(_power, Rule([Everyone], [new(RuleResourceTypes.Selector, "*")]), default));
        var own = await _rules.Create(_power, Rule([Everyone], [Server(_server)]), default);
        var wide = await _rules.Create(_admin, Rule([Everyone], [Server(_server), Server(_foreign)]), default);
        Assert.Equal([own.Id], (await _rules.List(_power, 10, null, default)).Items.Select(rule => rule.Id));
        Assert.Null(await _rules.Find(_power, wide.Id, default));
        Assert.False(await _rules.Delete(_power, wide.Id, default));
        await Assert.ThrowsAsync<NotAllowedException>(() => _rules.Update(_power, own.Id, Rule([Everyone], [Server(_foreign)]), default));
        Assert.Equal(2, (await _rules.List(_admin, 10, null, default)).Items.Count);
        Assert.Single((await _rules.List(_admin with { ServerIds = [_server] }, 10, null, default)).Items);
        Assert.Equal([_server], (await _rules.Choices(_power, default)).Servers.Select(choice => choice.Id));
    }

    [Fact]
    public async Task Rule_ThatNamesNothing_IsRefused_UnlessItNamedItBefore()
    {
        Assert.Equal("subjects[1].id", await FieldAsync(Rule([Everyone, User(_basic with { UserId = "nobody" })], [Server(_server)])));
        Assert.Equal("subjects[0].id", await FieldAsync(Rule([Group("none")], [Server(_server)])));
        Assert.Equal("resources[0].id", await FieldAsync(Rule([Everyone], [Server("ms1none")])));
        Assert.Equal("resources[0].id", await FieldAsync(Rule([Everyone], [new(RuleResourceTypes.CatalogEntry, "e")])));
        Assert.Equal("resources[0].id", await FieldAsync(Rule([Everyone], [new(RuleResourceTypes.Selector, "x")])));
        Assert.Equal("tools", await FieldAsync(Rule([Everyone], [Server(_server)]) with { Tools = [] }));
        Assert.Equal("displayName", await FieldAsync(Rule([Everyone], [Server(_server)]) with { DisplayName = " " }));

        var rule = await _rules.Create(_admin, Rule([Everyone], [Server(_foreign)]), default);
        await using (var db = await postgres.Databases.CreateDbContextAsync())
        {
            await db.Servers.Where(row => row.Id == _foreign).ExecuteDeleteAsync();
        }

        Assert.NotNull(await _rules.Update(_admin, rule.Id, Rule([Group(_group)], [Server(_foreign)]), default));
        Assert.Equal("resources[0].id", await FieldAsync(Rule([Everyone], [Server(_foreign)])));
    }

    [Fact]
    public async Task Servers_OfSomebody_AreTheirOwnAndThoseThatARuleOpens()
    {
        Assert.Equal([], await SeenAsync(_basic));
        Assert.Equal([_server], await SeenAsync(_power));
        var byGroup = await _rules.Create(_admin, Rule([Group(_group)], [Server(_foreign)], "echo"), default);
        Assert.Equal([], await SeenAsync(_basic));
        Assert.Equal([_foreign], await SeenAsync(_basic with { Groups = ["x", _group] }));
        Assert.Equal([], await SeenAsync(_basic with { Groups = [_group], ServerIds = [_server] }));
        await _rules.Update(_admin, byGroup.Id, Rule([User(_basic)], [new(RuleResourceTypes.Selector, "*")]), default);
        Assert.Contains(_server, await SeenAsync(_basic));
        Assert.Contains(_foreign, await SeenAsync(_basic));
    }

    [Fact]
    public async Task Access_AfterAChange_IsReadOnceForAllWhoAsk()
    {
        var feed = Substitute.For<ISecurityFeed>();
        Action<SecurityChange> publish = _ => { };
        feed.Subscribe(Arg.Do<Action<SecurityChange>>(handler => publish = handler)).Returns(Substitute.For<IDisposable>());
        using var access = new ServerAccess(postgres.Databases, feed, TimeProvider.System, NullLogger<ServerAccess>.Instance);
        var server = new ServerEntry(_server, PerUser: false, _power.UserId);
        Assert.True(access.IsNamed("any"));
        Assert.Empty((await access.Of(server, default)).Grants);
        await _rules.Create(_admin, Rule([Group(_group)], [Server(_server)]), default);
        Assert.Empty((await access.Of(server, default)).Grants);
        publish(new(1, SecurityChangeKinds.AccessRule, "x"));
        var all = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => access.Of(server, default).AsTask()));
        Assert.Equal([_group], all[0].Grants[0].Groups);
        Assert.All(all, policy => Assert.Same(all[0], policy));
        Assert.True(access.IsNamed(_group));
        Assert.False(access.IsNamed("any"));
        publish(new(2, SecurityChangeKinds.Server, _server));
        Assert.Same(all[0], await access.Of(server, default));
    }

    private static RuleSubject Everyone => new(RuleSubjectTypes.Selector, "*");

    private static RuleSubject User(Principal user) => new(RuleSubjectTypes.User, user.UserId);

    private static RuleSubject Group(string id) => new(RuleSubjectTypes.Group, id);

    private static RuleResource Server(string id) => new(RuleResourceTypes.Server, id);

    private static NewAccessRule Rule(RuleSubject[] subjects, RuleResource[] resources, params string[] tools) =>
        new() { DisplayName = "test", Subjects = subjects, Resources = resources, Tools = tools is [] ? null : tools };

    private async Task<string> FieldAsync(NewAccessRule rule) => (await Assert.ThrowsAsync<InvalidInputException>(() => _rules.Create(_admin, rule, default))).Field;

    private async Task<IReadOnlyList<string>> SeenAsync(Principal caller)
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        return await (await ServerSight.VisibleAsync(db, db.Servers.AsNoTracking(), caller, default)).Select(row => row.Id).Order().ToListAsync();
    }

    private async Task<int> EventsAsync()
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        return await db.SecurityEvents.CountAsync(row => row.Kind == SecurityChangeKinds.AccessRule);
    }
}
