using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Tests.Identity;

/// <summary>What keys carry, and whose administrators may touch.</summary>
[Collection(nameof(PostgresTests))]
public sealed class KeysOfUsersTests(Postgres postgres)
{
    private readonly UserRig _rig = new(postgres.Databases, postgres.Silo.Encryption);

    [Fact]
    public async Task Key_OfDemotedUser_CarriesThePresentRole()
    {
        var owner = await _rig.AddAsync(Role.Owner);
        var admin = await _rig.AddAsync(Role.Admin);
        var key = await _rig.Keys.Create(admin, new() { Name = "k", Scopes = ["api"] }, default);
        Assert.Equal(Role.Admin, (await _rig.Keys.Authenticate(key.Key, default))?.Principal.Role);
        await _rig.Users.Change(owner, admin.UserId, new() { Role = Role.Basic }, default);
        Assert.Equal(Role.Basic, (await _rig.Keys.Authenticate(key.Key, default))?.Principal.Role);
    }

    [Fact]
    public async Task Keys_OfAnother_ListedAndRevokedByAdministrators()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var user = await _rig.AddAsync(Role.Owner);
        var key = await _rig.Keys.Create(user, new() { Name = "k" }, default);
        Assert.Equal([key.Id], (await _rig.Keys.ListOf(admin, user.UserId, 50, null, default))?.Items.Select(one => one.Id));
        Assert.Null(await _rig.Keys.ListOf(admin, "nobody", 50, null, default));
        Assert.False(await _rig.Keys.RevokeOf(admin, admin.UserId, key.Id, default));
        Assert.True(await _rig.Keys.RevokeOf(admin, user.UserId, key.Id, default));
        Assert.Null(await _rig.Keys.Authenticate(key.Key, default));
    }

    [Fact]
    public async Task ServiceAccount_MadeWithRoleAndGroups_GetsKeys()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var group = await _rig.Groups.Create(admin, Guid.NewGuid().ToString("N"), default);
        var account = await _rig.Users.Create(admin, new(" robot ") { Role = Role.Power, Groups = [group.Id, group.Id] }, default);
        Assert.Equal(("robot", UserKind.Service, Role.Power), (account.Name, account.Kind, account.Role));
        var key = await _rig.Keys.CreateFor(admin, account.Id, new() { Name = "ci", Scopes = ["mcp", "api"] }, default);
        var principal = (await _rig.Keys.Authenticate(key!.Key, default))?.Principal;
        Assert.Equal((account.Id, Role.Power), (principal?.UserId, principal?.Role));
        Assert.Equal([group.Id], principal?.Groups);
        Assert.Equal([key.Id], (await _rig.Keys.ListOf(admin, account.Id, 50, null, default))?.Items.Select(one => one.Id));

        Assert.Null(await _rig.Keys.CreateFor(admin, admin.UserId, new() { Name = "for a person" }, default));
        Assert.Null(await _rig.Keys.CreateFor(admin, "nobody", new() { Name = "for nobody" }, default));
        Assert.Equal("groups[0]", (await Assert.ThrowsAsync<InvalidInputException>(() => _rig.Users.Create(admin, new("r") { Groups = ["none"] }, default))).Field);
    }

    [Fact]
    public async Task Attack_AdministratorBorrowsMoreThroughAServiceAccount_Refused()
    {
        var owner = await _rig.AddAsync(Role.Owner);
        var admin = await _rig.AddAsync(Role.Admin);
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Users.Create(admin, new("r") { Role = Role.Owner }, default));
        var high = await _rig.Users.Create(owner, new("high") { Role = Role.Owner }, default);
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Keys.CreateFor(admin, high.Id, new() { Name = "k" }, default));

        var listening = await _rig.Users.Create(owner, new("listening"), default);
        await _rig.Users.Change(owner, listening.Id, new() { Auditor = true }, default);
        await Assert.ThrowsAsync<NotAllowedException>(() => _rig.Keys.CreateFor(admin, listening.Id, new() { Name = "k" }, default));
        Assert.NotNull(await _rig.Keys.CreateFor(owner, listening.Id, new() { Name = "k" }, default));

        var plain = await _rig.Users.Create(admin, new("plain"), default);
        var weak = admin with { Scopes = ["api"] };
        Assert.Equal("scopes[0]", (await Assert.ThrowsAsync<InvalidInputException>(() => _rig.Keys.CreateFor(weak, plain.Id, new() { Name = "k" }, default))).Field);
    }

    [Fact]
    public async Task Attack_KeyThatEndsMakesOneThatDoesNot_Refused()
    {
        var user = await _rig.AddAsync(Role.Basic);
        var ends = TimeProvider.System.GetUtcNow().AddHours(1);
        var first = await _rig.Keys.Create(user, new() { Name = "short", Scopes = ["api", "mcp"], ExpiresAt = ends }, default);
        var maker = (await _rig.Keys.Authenticate(first.Key, default))!.Value.Principal;
        Assert.Equal("expiresAt", (await Refused(null)).Field);
        Assert.Equal("expiresAt", (await Refused(ends.AddSeconds(1))).Field);
        Assert.NotNull(await _rig.Keys.Create(maker, new() { Name = "k", ExpiresAt = ends.AddMinutes(-1) }, default));

        Task<InvalidInputException> Refused(DateTimeOffset? at) =>
            Assert.ThrowsAsync<InvalidInputException>(() => _rig.Keys.Create(maker, new() { Name = "k", ExpiresAt = at }, default));
    }
}
