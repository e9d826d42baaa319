using Microsoft.EntityFrameworkCore;
using NSubstitute;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Tests.Identity;

[Collection(nameof(PostgresTests))]
public sealed class StoredUsersTests(Postgres postgres)
{
    private readonly UserRig _rig = new(postgres.Databases, postgres.Silo.Encryption);
    private readonly string _mark = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task List_SearchedByNameEmailOrId_FindsTheUser()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var ann = await _rig.AddAsync(Role.Basic, email: $"Ann.{_mark}@Example.com", name: $"Ann 100%_{_mark}");
        var bob = await _rig.AddAsync(Role.Power, UserKind.Service, name: $"Bob {_mark}");
        Assert.Equal([ann.UserId, bob.UserId], await Search(new() { Text = _mark.ToUpperInvariant() }));
        Assert.Equal([ann.UserId], await Search(new() { Text = $"100%_{_mark[..4]}" }));
        Assert.Empty(await Search(new() { Text = $"0%{_mark}" }));
        Assert.Equal([ann.UserId], await Search(new() { Text = $" ann.{_mark}@EXAMPLE.COM " }));
        Assert.Empty(await Search(new() { Text = $"nn.{_mark}@example.com" }));
        Assert.Equal([bob.UserId], await Search(new() { Text = bob.UserId }));
        Assert.Equal([bob.UserId], await Search(new() { Text = _mark, Role = Role.Power }));
        Assert.Equal([ann.UserId], await Search(new() { Text = _mark, Kind = UserKind.Person }));
        Assert.Equal($"Ann.{_mark}@Example.com", (await _rig.Users.Find(admin, ann.UserId, default))?.Email);
        Assert.Equal("query", (await Assert.ThrowsAsync<InvalidInputException>(() => Search(new() { Text = new('x', 201) }))).Field);

        async Task<List<string>> Search(UserQuery query) => [.. (await _rig.Users.List(admin, query, 50, null, default)).Items.Select(user => user.Id)];
    }

    [Fact]
    public async Task List_Pages_NeitherSkipNorRepeatWhileUsersGo()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        List<string> made = [];
        for (var i = 0; i < 5; i++)
        {
            made.Add((await _rig.AddAsync(Role.Basic, name: $"{i} {_mark}")).UserId);
        }

        UserQuery query = new() { Text = _mark };
        var first = await _rig.Users.List(admin, query, 2, null, default);
        Assert.True(await _rig.Users.Remove(admin, made[0], OwnedServers.Refuse, default));
        var second = await _rig.Users.List(admin, query, 2, first.NextCursor, default);
        var third = await _rig.Users.List(admin, query, 2, second.NextCursor, default);
        Assert.Equal(made, first.Items.Concat(second.Items).Concat(third.Items).Select(user => user.Id));
        Assert.Null(third.NextCursor);
    }

    [Fact]
    public async Task Table_NeverHoldsTheAddress()
    {
        var ann = await _rig.AddAsync(Role.Basic, email: $"{_mark}@example.com");
        await using var db = await postgres.Databases.CreateDbContextAsync();
        var row = await db.Users.SingleAsync(row => row.Id == ann.UserId);
        Assert.DoesNotContain(_mark, System.Text.Encoding.Latin1.GetString(row.Email!), StringComparison.Ordinal);
        Assert.Equal(32, row.EmailIndex!.Length);

        // another row's ciphertext is no address of this one
        var bob = await _rig.AddAsync(Role.Basic);
        await db.Users.Where(one => one.Id == bob.UserId).ExecuteUpdateAsync(set => set.SetProperty(one => one.Email, row.Email));
        Assert.Null((await _rig.Users.Find(await _rig.AddAsync(Role.Admin), bob.UserId, default))?.Email);
    }

    [Fact]
    public async Task User_Disabled_IsNobodyUntilEnabled()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var user = await _rig.AddAsync(Role.Basic);
        var key = await _rig.Keys.Create(user, new() { Name = "k" }, default);
        var before = await _rig.RevisionAsync();
        var since = (await _rig.Users.Change(admin, user.UserId, new() { Disabled = true }, default))?.DisabledAt;
        Assert.NotNull(since);
        Assert.Null(await _rig.Directory.Find(user.UserId, default));
        Assert.Null(await _rig.Keys.Authenticate(key.Key, default));
        Assert.Equal(since, (await _rig.Users.Change(admin, user.UserId, new() { Disabled = true }, default))?.DisabledAt);
        Assert.Equal([user.UserId], (await _rig.AnnouncedAsync(SecurityChangeKinds.User, before)).Where(id => id == user.UserId));

        await _rig.Users.Change(admin, user.UserId, new() { Disabled = false }, default);
        Assert.NotNull(await _rig.Keys.Authenticate(key.Key, default));
    }

    [Fact]
    public async Task Removal_OfOwnerOfServers_SaysWhichAndDoesWhatIsAsked()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var leaver = await _rig.AddAsync(Role.Basic, name: "Leaver");
        var own = await _rig.AddServerAsync(leaver, name: "diary");
        var shared = await _rig.AddServerAsync(leaver, perUser: false, name: "wiki");
        var elsewhere = await _rig.AddServerAsync(admin);
        await RecordAsync($"{own}/{leaver.UserId}", own);
        await RecordAsync($"{own}/{admin.UserId}", own);
        await RecordAsync(shared, shared);
        await RecordAsync($"{elsewhere}/{leaver.UserId}", elsewhere);
        var key = await _rig.Keys.Create(leaver, new() { Name = "k" }, default);

        var refused = await Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Remove(admin, leaver.UserId, OwnedServers.Refuse, default));
        Assert.Contains("'diary'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("'wiki'", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(await _rig.Keys.Authenticate(key.Key, default));

        foreach (var heir in new[] { "nobody", leaver.UserId, WellKnownUsers.Bootstrap, (await _rig.AddAsync(Role.Basic, disabled: true)).UserId })
        {
            Assert.Equal("servers", (await Assert.ThrowsAsync<InvalidInputException>(() => _rig.Users.Remove(admin, leaver.UserId, new(false, heir), default))).Field);
        }

        var before = await _rig.RevisionAsync();
        Assert.True(await _rig.Users.Remove(admin, leaver.UserId, new(false, admin.UserId), default));
        Assert.False(await _rig.Users.Remove(admin, leaver.UserId, new(false, admin.UserId), default));
        Assert.Null(await _rig.Keys.Authenticate(key.Key, default));
        await using var db = await postgres.Databases.CreateDbContextAsync();
        Assert.Equal(2, await db.Servers.CountAsync(row => (row.Id == own || row.Id == shared) && row.OwnerId == admin.UserId));
        Assert.Equal([$"{own}/{admin.UserId}", shared], await db.ServerInstances.Where(row => row.ServerId == own || row.ServerId == shared || row.ServerId == elsewhere).Select(row => row.Instance).OrderBy(key => key == shared).ToListAsync());
        Assert.Empty(await db.ServerValues.Where(row => row.ServerId == elsewhere).ToListAsync());
        Assert.Equal(0, await db.ApiKeys.CountAsync(row => row.UserId == leaver.UserId));
        _rig.Grains.Received().GetGrain<Abstractions.Hosting.IMcpServerGrain>($"{own}/{leaver.UserId}");
        _rig.Grains.Received().GetGrain<Abstractions.Hosting.IMcpServerGrain>($"{elsewhere}/{leaver.UserId}");
        _rig.Grains.DidNotReceive().GetGrain<Abstractions.Hosting.IMcpServerGrain>(shared);
        Assert.Contains(leaver.UserId, await _rig.AnnouncedAsync(SecurityChangeKinds.User, before));
        Assert.Equal(new[] { own, shared }.Order(StringComparer.Ordinal), await _rig.AnnouncedAsync(SecurityChangeKinds.Server, before));
    }

    [Fact]
    public async Task Removal_WithServers_StopsAllInstances()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var leaver = await _rig.AddAsync(Role.Basic);
        var own = await _rig.AddServerAsync(leaver);
        var shared = await _rig.AddServerAsync(leaver, perUser: false);
        await RecordAsync($"{own}/{admin.UserId}", own);
        Assert.True(await _rig.Users.Remove(admin, leaver.UserId, new(true, null), default));
        foreach (var key in new[] { $"{own}/{admin.UserId}", $"{own}/{leaver.UserId}", shared })
        {
            _rig.Grains.Received().GetGrain<Abstractions.Hosting.IMcpServerGrain>(key);
        }

        await using var db = await postgres.Databases.CreateDbContextAsync();
        Assert.Equal(0, await db.Servers.CountAsync(row => row.Id == own || row.Id == shared));
        Assert.Equal(0, await db.ServerInstances.CountAsync(row => row.ServerId == own));
    }

    [Fact]
    public async Task Removal_TakesIdentitiesSessionsAndMemberships()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var user = await _rig.AddAsync(Role.Basic);
        var group = await _rig.Groups.Create(admin, $"g {_mark}", default);
        await _rig.Groups.AddMember(admin, group.Id, user.UserId, default);
        var now = DateTimeOffset.UnixEpoch;
        await using (var db = await postgres.Databases.CreateDbContextAsync())
        {
            db.UserIdentities.Add(new() { ProviderId = "idp", Subject = _mark, UserId = user.UserId, CreatedAt = now, LastSignInAt = now });
            db.LocalAccounts.Add(new() { UserId = user.UserId, UserName = _mark, PasswordHash = "x", Failures = 0, ChangedAt = now });
            db.UserSessions.Add(new() { Id = _mark, UserId = user.UserId, ProviderId = "idp", CreatedAt = now, LastSeenAt = now, ExpiresAt = now, UserAgent = "", ClientIp = "" });
            await db.SaveChangesAsync();
        }

        var details = await _rig.Users.Find(admin, user.UserId, default);
        Assert.Equal([("idp", _mark), ("local", _mark)], details!.Identities.Select(identity => (identity.ProviderId, identity.Subject)));
        Assert.Equal([new UserGroup(group.Id, group.Name, null)], details.Groups);

        Assert.True(await _rig.Users.Remove(admin, user.UserId, OwnedServers.Refuse, default));
        await using var after = await postgres.Databases.CreateDbContextAsync();
        Assert.Equal(0, await after.UserIdentities.CountAsync(row => row.UserId == user.UserId));
        Assert.Equal(0, await after.LocalAccounts.CountAsync(row => row.UserId == user.UserId));
        Assert.Equal(0, await after.UserSessions.CountAsync(row => row.UserId == user.UserId));
        Assert.Equal(0, (await _rig.Groups.Find(admin, group.Id, default))?.MemberCount);
        Assert.Null(await _rig.Users.Find(admin, user.UserId, default));
    }

    private async Task RecordAsync(string instance, string server)
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        db.ServerInstances.Add(new ServerInstanceRow { Instance = instance, ServerId = server, CreatedAt = DateTimeOffset.UnixEpoch });
        db.ServerValues.Add(new ServerValueRow { Instance = instance, ServerId = server, Values = "{}", UpdatedAt = DateTimeOffset.UnixEpoch });
        await db.SaveChangesAsync();
    }
}
