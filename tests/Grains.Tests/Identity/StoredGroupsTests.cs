using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Tests.Identity;

[Collection(nameof(PostgresTests))]
public sealed class StoredGroupsTests(Postgres postgres)
{
    private readonly UserRig _rig = new(postgres.Databases, postgres.Silo.Encryption);
    private readonly string _mark = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Group_KeptByHand_FromCreateToRemoval()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var user = await _rig.AddAsync(Role.Basic, name: "Ann");
        var group = await _rig.Groups.Create(admin, $" Team {_mark} ", default);
        Assert.Equal((null, $"Team {_mark}", 0), (group.ProviderId, group.Name, group.MemberCount));
        await Assert.ThrowsAsync<ConflictException>(() => _rig.Groups.Create(admin, $"Team {_mark}", default));
        Assert.Equal("name", (await Assert.ThrowsAsync<InvalidInputException>(() => _rig.Groups.Create(admin, "", default))).Field);

        var before = await _rig.RevisionAsync();
        Assert.Equal(MemberChange.Done, await _rig.Groups.AddMember(admin, group.Id, user.UserId, default));
        Assert.Equal(MemberChange.Done, await _rig.Groups.AddMember(admin, group.Id, user.UserId, default));
        Assert.Equal([group.Id], (await _rig.Directory.Find(user.UserId, default))?.Groups);
        Assert.Equal([new GroupMember(user.UserId, "Ann", UserKind.Person)], (await _rig.Groups.Members(admin, group.Id, 50, null, default))?.Items);
        Assert.Equal([group with { MemberCount = 1 }], (await _rig.Groups.List(admin, _mark.ToUpperInvariant(), 50, null, default)).Items);

        Assert.Equal(MemberChange.Done, await _rig.Groups.RemoveMember(admin, group.Id, user.UserId, default));
        Assert.Equal(MemberChange.Done, await _rig.Groups.RemoveMember(admin, group.Id, user.UserId, default));
        Assert.Equal([user.UserId, user.UserId], await _rig.AnnouncedAsync(SecurityChangeKinds.User, before));

        await _rig.Groups.AddMember(admin, group.Id, user.UserId, default);
        Assert.Equal(MemberChange.NoSuchGroup, await _rig.Groups.AddMember(admin, "none", user.UserId, default));
        Assert.Equal(MemberChange.NoSuchUser, await _rig.Groups.AddMember(admin, group.Id, "none", default));
        before = await _rig.RevisionAsync();
        Assert.True(await _rig.Groups.Remove(admin, group.Id, default));
        Assert.Equal([user.UserId], await _rig.AnnouncedAsync(SecurityChangeKinds.User, before));
        Assert.Empty((await _rig.Directory.Find(user.UserId, default))!.Groups);
        Assert.False(await _rig.Groups.Remove(admin, group.Id, default));
        Assert.Null(await _rig.Groups.Members(admin, group.Id, 50, null, default));

        await using var db = await postgres.Databases.CreateDbContextAsync();
        Assert.Equal(
            ["create", "add-member", "remove-member", "add-member", "delete"],
            await db.Changes.Where(row => row.Kind == "groups" && row.SubjectId == group.Id && row.UserId == admin.UserId).OrderBy(row => row.Id).Select(row => row.Action).ToListAsync());
    }

    [Fact]
    public async Task Group_OfAnIdentityProvider_IsReadOnly()
    {
        var admin = await _rig.AddAsync(Role.Owner);
        await using (var db = await postgres.Databases.CreateDbContextAsync())
        {
            db.Groups.Add(new() { Id = _mark, ProviderId = "okta", ExternalId = "eng", Name = "eng", CreatedAt = DateTimeOffset.UnixEpoch });
            db.GroupMembers.Add(new() { GroupId = _mark, UserId = admin.UserId });
            await db.SaveChangesAsync();
        }

        foreach (var call in new Func<Task>[]
        {
            () => _rig.Groups.Remove(admin, _mark, default),
            () => _rig.Groups.AddMember(admin, _mark, admin.UserId, default),
            () => _rig.Groups.RemoveMember(admin, _mark, admin.UserId, default),
        })
        {
            Assert.Contains("'okta'", (await Assert.ThrowsAsync<ConflictException>(call)).Message, StringComparison.Ordinal);
        }

        Assert.Equal("groups[0]", (await Assert.ThrowsAsync<InvalidInputException>(() => _rig.Users.Create(admin, new("robot") { Groups = [_mark] }, default))).Field);
        Assert.Equal("okta", (await _rig.Groups.Find(admin, _mark, default))?.ProviderId);
    }

    [Fact]
    public async Task Announcements_OfMany_HaveNoHolesAndEndInOne()
    {
        var before = await _rig.RevisionAsync();
        await using var db = await postgres.Databases.CreateDbContextAsync();
        await using (var transaction = await db.Database.BeginTransactionAsync())
        {
            await db.AnnounceAllAsync(SecurityChangeKinds.User, ["b", "a", "c"], SecurityChangeKinds.Everything, default);
            await db.AnnounceAllAsync(SecurityChangeKinds.User, [], SecurityChangeKinds.Everything, default);
            await db.AnnounceAllAsync(SecurityChangeKinds.User, ["d", "e", "f"], SecurityChangeKinds.Everything, default, most: 2);
            await transaction.CommitAsync();
        }

        Assert.Equal(["b", "a", "c"], await _rig.AnnouncedAsync(SecurityChangeKinds.User, before));
        Assert.Equal(["*"], await _rig.AnnouncedAsync(SecurityChangeKinds.Everything, before));
        Assert.Equal(before + 4, await _rig.RevisionAsync());
    }

    [Fact]
    public async Task Members_Pages_NeitherSkipNorRepeat()
    {
        var admin = await _rig.AddAsync(Role.Admin);
        var group = await _rig.Groups.Create(admin, _mark, default);
        List<string> made = [];
        for (var i = 0; i < 3; i++)
        {
            made.Add((await _rig.AddAsync(Role.Basic)).UserId);
            await _rig.Groups.AddMember(admin, group.Id, made[i], default);
        }

        var first = await _rig.Groups.Members(admin, group.Id, 2, null, default);
        var second = await _rig.Groups.Members(admin, group.Id, 2, first!.NextCursor, default);
        Assert.Equal(made, first.Items.Concat(second!.Items).Select(member => member.UserId));
        Assert.Null(second.NextCursor);
    }
}
