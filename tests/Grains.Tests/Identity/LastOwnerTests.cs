using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Identity;
using Obot.Grains.Tests.Encryption;

namespace Obot.Grains.Tests.Identity;

/// <summary>An installation keeps an owner, whoever asks for what at the same time. Each test has a database of its own.</summary>
[Collection(nameof(PostgresTests))]
public sealed class LastOwnerTests(Postgres postgres) : IAsyncLifetime
{
    private ServiceProvider _services = null!;
    private TestSilo _silo = null!;
    private UserRig _rig = null!;
    private static readonly Principal Bootstrap = new(WellKnownUsers.Bootstrap, Role.Owner, "bootstrap", Scopes.All);

    public async ValueTask InitializeAsync()
    {
        _services = await postgres.CreateDatabaseAsync();
        _silo = await TestSilo.StartAsync(Databases);
        _rig = Rig();
    }

    public async ValueTask DisposeAsync()
    {
        _silo.Dispose();
        await _services.DisposeAsync();
    }

    private IDbContextFactory<ObotDb> Databases => _services.GetRequiredService<IDbContextFactory<ObotDb>>();

    [Fact]
    public async Task LastOwner_DemotedDisabledOrRemoved_Conflict()
    {
        var owner = await _rig.AddAsync(Role.Owner);
        await _rig.AddAsync(Role.Owner, disabled: true);
        await _rig.AddAsync(Role.Owner, UserKind.Service);
        foreach (var by in new[] { owner, Bootstrap })
        {
            await Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Change(by, owner.UserId, new() { Role = Role.Admin }, default));
            await Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Change(by, owner.UserId, new() { Disabled = true }, default));
            await Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Remove(by, owner.UserId, OwnedServers.Refuse, default));
        }

        // neither a rename nor the same role again takes an owner away
        Assert.Equal("n2", (await _rig.Users.Change(owner, owner.UserId, new() { Name = "n2", Role = Role.Owner, Disabled = false }, default))?.Name);

        var second = await _rig.AddAsync(Role.Owner);
        Assert.Equal(Role.Admin, (await _rig.Users.Change(second, owner.UserId, new() { Role = Role.Admin }, default))?.Role);
        await Assert.ThrowsAsync<ConflictException>(() => _rig.Users.Remove(Bootstrap, second.UserId, OwnedServers.Refuse, default));
    }

    [Fact]
    public async Task FirstOwner_MadeByTheBootstrapUser_IsOwner()
    {
        var person = await _rig.AddAsync(Role.Basic);
        Assert.Equal(Role.Owner, (await _rig.Users.Change(Bootstrap, person.UserId, new() { Role = Role.Owner }, default))?.Role);
    }

    [Theory]
    [InlineData("demote")]
    [InlineData("disable")]
    [InlineData("remove")]
    [InlineData("mixed")]
    public async Task Attack_OwnersTakeEachOtherOutAtOnce_OneStays(string how)
    {
        for (var round = 0; round < 8; round++)
        {
            await using (var db = await Databases.CreateDbContextAsync())
            {
                await db.Users.Where(row => row.Kind == "Person").ExecuteDeleteAsync();
            }

            Principal[] owners = [await _rig.AddAsync(Role.Owner), await _rig.AddAsync(Role.Owner), await _rig.AddAsync(Role.Owner)];
            UserRig[] silos = [_rig, Rig()];
            using var start = new Barrier(owners.Length);
            var outcomes = await Task.WhenAll(owners.Select((owner, i) => Task.Run(async () =>
            {
                start.SignalAndWait();
                try
                {
                    await TakeOutAsync(silos[i % 2].Users, owner, owners[(i + 1) % owners.Length].UserId, how == "mixed" ? i : Array.IndexOf(["demote", "disable", "remove"], how));
                    return "done";
                }
                catch (Exception e) when (e is ConflictException or NotAllowedException)
                {
                    return e.GetType().Name;
                }
            })));

            await using var after = await Databases.CreateDbContextAsync();
            var left = await after.Users.CountAsync(row => row.Kind == "Person" && row.Role == "Owner" && row.DisabledAt == null);
            Assert.True(left >= 1, $"round {round}: nobody is left ({string.Join(", ", outcomes)})");
            Assert.Contains("done", outcomes);
            Assert.Equal(owners.Length - left, outcomes.Count(outcome => outcome == "done"));
        }
    }

    private static async Task TakeOutAsync(StoredUsers users, Principal by, string userId, int how)
    {
        if (how == 2)
        {
            await users.Remove(by, userId, OwnedServers.Refuse, default);
            return;
        }

        await users.Change(by, userId, how == 0 ? new() { Role = Role.Basic } : new() { Disabled = true }, default);
    }

    private UserRig Rig() => new(Databases, _silo.Encryption);
}
