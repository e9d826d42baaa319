using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Tests.Identity;

/// <summary>Who may change whom, against PostgreSQL.</summary>
[Collection(nameof(PostgresTests))]
public sealed class UserRulesTests(Postgres postgres)
{
    private readonly UserRig _rig = new(postgres.Databases, postgres.Silo.Encryption, owners: ["Chief@Example.com"], admins: ["ops@example.com", "chief@example.com"]);

    /// <summary>Caller, user, role asked for: allowed or not. There is always another owner in this database.</summary>
    [Theory]
    [InlineData(Role.Basic, Role.Basic, Role.Power, false)]
    [InlineData(Role.PowerPlus, Role.Basic, Role.Power, false)]
    [InlineData(Role.Admin, Role.Basic, Role.PowerPlus, true)]
    [InlineData(Role.Admin, Role.Basic, Role.Admin, true)]
    [InlineData(Role.Admin, Role.Admin, Role.Basic, true)]
    [InlineData(Role.Admin, Role.Basic, Role.Owner, false)]
    [InlineData(Role.Admin, Role.Owner, Role.Admin, false)]
    [InlineData(Role.Admin, Role.Owner, Role.Basic, false)]
    [InlineData(Role.Owner, Role.Basic, Role.Owner, true)]
    [InlineData(Role.Owner, Role.Owner, Role.Basic, true)]
    [InlineData(Role.Owner, Role.Admin, Role.Power, true)]
    public async Task Role_ChangedBy_FollowsTheTable(Role caller, Role user, Role asked, bool allowed)
    {
        await _rig.AddAsync(Role.Owner);
        var target = await _rig.AddAsync(user);
        var by = await _rig.AddAsync(caller);
        if (!allowed)
        {
            await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.Change(by, target.UserId, new() { Role = asked }, default));
            Assert.Equal(user, (await _rig.Directory.Find(target.UserId, default))?.Role);
            return;
        }

        var before = await _rig.RevisionAsync();
        Assert.Equal(asked, (await _rig.Users.Change(by, target.UserId, new() { Role = asked }, default))?.Role);
        Assert.Equal(asked, (await _rig.Directory.Find(target.UserId, default))?.Role);
        Assert.Contains(target.UserId, await _rig.AnnouncedAsync(SecurityChangeKinds.User, before));
    }

    [Theory]
    [InlineData(Role.Basic)]
    [InlineData(Role.PowerPlus)]
    public async Task Everything_ByNonAdministrator_IsRefused(Role role)
    {
        var by = await _rig.AddAsync(role);
        var other = await _rig.AddAsync(Role.Basic);
        Func<Task>[] calls =
        [
            () => _rig.Users.List(by, new(), 50, null, default),
            () => _rig.Users.Find(by, other.UserId, default),
            () => _rig.Users.Change(by, by.UserId, new() { Name = "me" }, default),
            () => _rig.Users.Remove(by, other.UserId, OwnedServers.Refuse, default),
            () => _rig.Users.Create(by, new("robot"), default),
            () => _rig.Groups.List(by, null, 50, null, default),
            () => _rig.Groups.Create(by, "g", default),
            () => _rig.Groups.Find(by, "g", default),
            () => _rig.Groups.Members(by, "g", 50, null, default),
            () => _rig.Groups.Remove(by, "g", default),
            () => _rig.Groups.AddMember(by, "g", by.UserId, default),
            () => _rig.Groups.RemoveMember(by, "g", by.UserId, default),
            () => _rig.Keys.ListOf(by, other.UserId, 50, null, default),
            () => _rig.Keys.RevokeOf(by, other.UserId, "ak1", default),
            () => _rig.Keys.CreateFor(by, other.UserId, new() { Name = "n" }, default),
            () => _rig.Settings.SetDefaultRole(by, Role.Power, default),
        ];
        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<NotAllowedException>(call);
        }

        Assert.Equal(role, (await _rig.Users.Me(by, default))?.Role);
    }

    [Fact]
    public async Task Attack_KeyBoundToServers_ManagesNobody()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var bound = admin with { ServerIds = ["ms1x"] };
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.List(bound, new(), 50, null, default));
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.Change(bound, admin.UserId, new() { Name = "x" }, default));
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Groups.Create(bound, "g", default));
    }

    /// <summary>What the caller's page or verdict still says does not count: the row does.</summary>
    [Fact]
    public async Task Attack_DemotedAdministratorWithAnOldPrincipal_IsRefused()
    {
        var owner = await _rig.AddAsync(Role.Owner);
        var admin = await _rig.AddAsync(Role.Admin);
        var victim = await _rig.AddAsync(Role.Basic);
        await _rig.Users.Change(owner, admin.UserId, new() { Role = Role.Basic }, default);
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.Change(admin, victim.UserId, new() { Role = Role.Admin }, default));
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Groups.Create(admin, "mine", default));

        await _rig.Users.Change(owner, admin.UserId, new() { Role = Role.Admin, Disabled = true }, default);
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.Change(admin, admin.UserId, new() { Disabled = false }, default));

        // and a credential that carries less than its user stays at what it carries
        var weak = owner with { Role = Role.Admin };
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.Change(weak, victim.UserId, new() { Role = Role.Owner }, default));
    }

    [Fact]
    public async Task Auditor_GivenAndTaken_ByOwnersOnly()
    {
        var owner = await _rig.AddAsync(Role.Owner);
        var admin = await _rig.AddAsync(Role.Admin);
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.Change(admin, admin.UserId, new() { Auditor = true }, default));
        Assert.True((await _rig.Users.Change(owner, admin.UserId, new() { Auditor = true }, default))?.Auditor);
        Assert.True((await _rig.Directory.Find(admin.UserId, default))?.Auditor);
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.Change(admin, admin.UserId, new() { Auditor = false }, default));

        // saying what is so already is no change
        Assert.Equal("x", (await _rig.Users.Change(admin, admin.UserId, new() { Auditor = true, Name = "x" }, default))?.Name);
    }

    [Fact]
    public async Task Preassigned_Demoted_ConflictNamesTheSetting()
    {
        var owner = await _rig.AddAsync(Role.Owner);
        var chief = await _rig.AddAsync(Role.Owner, email: "chief@EXAMPLE.com");
        var ops = await _rig.AddAsync(Role.Admin, email: "Ops@example.com");
        Assert.Contains("Obot:Auth:OwnerEmails", (await Refused(chief, Role.Admin)).Message, StringComparison.Ordinal);
        Assert.Contains("Obot:Auth:AdminEmails", (await Refused(ops, Role.PowerPlus)).Message, StringComparison.Ordinal);
        Assert.Equal("Obot:Auth:OwnerEmails", (await _rig.Users.Find(owner, chief.UserId, default))?.RoleSource);
        Assert.Equal("Obot:Auth:AdminEmails", (await _rig.Users.Find(owner, ops.UserId, default))?.RoleSource);

        // higher than the setting says is somebody's choice, and can be taken back as far as the setting
        Assert.Equal(UserView.Assigned, (await _rig.Users.Change(owner, ops.UserId, new() { Role = Role.Owner }, default))?.RoleSource);
        Assert.Equal(Role.Admin, (await _rig.Users.Change(owner, ops.UserId, new() { Role = Role.Admin }, default))?.Role);

        var removal = await Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Remove(owner, ops.UserId, OwnedServers.Refuse, default));
        Assert.Contains("Obot:Auth:AdminEmails", removal.Message, StringComparison.Ordinal);
        Assert.NotNull((await _rig.Users.Change(owner, ops.UserId, new() { Disabled = true }, default))?.DisabledAt);

        Task<ConflictException> Refused(Principal user, Role role) =>
            Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Change(owner, user.UserId, new() { Role = role }, default));
    }

    [Fact]
    public async Task Bootstrap_AnyChange_IsRefused()
    {
        var owner = await _rig.AddAsync(Role.Owner);
        foreach (var change in new UserChange[] { new() { Role = Role.Basic }, new() { Disabled = true }, new() { Name = "x" } })
        {
            await Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Change(owner, WellKnownUsers.Bootstrap, change, default));
        }

        await Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Remove(owner, WellKnownUsers.Bootstrap, new(true, null), default));
        Assert.Equal("bootstrap", (await _rig.Users.Find(owner, WellKnownUsers.Bootstrap, default))?.RoleSource);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("a\nb")]
    public async Task Name_Wrong_IsRefused(string name)
    {
        var owner = await _rig.AddAsync(Role.Owner);
        Assert.Equal("name", (await Assert.ThrowsAsync<InvalidInputException>(() => _rig.Users.Change(owner, owner.UserId, new() { Name = name }, default))).Field);
        Assert.Equal("name", (await Assert.ThrowsAsync<InvalidInputException>(() => _rig.Users.Create(owner, new(name), default))).Field);
    }

    [Fact]
    public async Task DefaultRole_SetByAdministrator_NeverAboveTheLimit()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        await _rig.Settings.SetDefaultRole(admin, Role.PowerPlus, default);
        Assert.Equal(Role.PowerPlus, await _rig.Settings.DefaultRole(default));
        Assert.Equal("role", (await Assert.ThrowsAsync<InvalidInputException>(() => _rig.Settings.SetDefaultRole(admin, Role.Admin, default))).Field);
        Assert.Equal(Role.PowerPlus, await _rig.Settings.DefaultRole(default));

        // whoever writes into the table by hand makes no administrators either
        await using var command = postgres.DataSource.CreateCommand("UPDATE settings SET value = '\"owner\"' WHERE key = 'auth.default-role'");
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
        Assert.Equal(Role.Basic, await _rig.Settings.DefaultRole(default));
    }
}
