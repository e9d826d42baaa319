using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.ApiKeys;
using Obot.Grains.Identity;
using Obot.Grains.Security;

namespace Obot.Grains.Tests.ApiKeys;

[Collection(nameof(PostgresTests))]
public sealed class StoredApiKeysTests(Postgres postgres)
{
    private readonly StoredApiKeys _keys = new(postgres.Databases, new UserDirectory(postgres.Databases), Substitute.For<IApiKeyUsage>(), TimeProvider.System);
    private readonly Principal _caller = new($"u-{Guid.NewGuid():N}", Role.Basic, "c", Scopes.All);

    [Fact]
    public async Task Key_CreatedAndRevoked_IsGoodInBetween()
    {
        await AddUserAsync();
        var created = await _keys.Create(_caller, new() { Name = "laptop" }, default);
        Assert.Matches("^obot_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$", created.Key);
        Assert.StartsWith(created.Prefix, created.Key, StringComparison.Ordinal);
        Assert.Equal(["mcp"], created.Scopes);

        var found = await _keys.Authenticate(created.Key, default);
        Assert.Equal(_caller.UserId, found?.Principal.UserId);
        Assert.Equal(Role.Power, found?.Principal.Role);
        Assert.Equal(created.Id, found?.Principal.CredentialId);
        Assert.Null(await _keys.Authenticate(created.Key[..^1] + (created.Key[^1] == 'A' ? 'E' : 'A'), default));

        Assert.False(await _keys.Revoke(_caller with { UserId = "other" }, created.Id, default));
        Assert.True(await _keys.Revoke(_caller, created.Id, default));
        Assert.False(await _keys.Revoke(_caller, created.Id, default));
        Assert.Null(await _keys.Authenticate(created.Key, default));
        Assert.Null(await _keys.Find(_caller, created.Id, default));
    }

    [Fact]
    public async Task Key_OfUnknownUser_IsRefused()
    {
        var created = await _keys.Create(_caller, new() { Name = "ghost" }, default);
        Assert.Null(await _keys.Authenticate(created.Key, default));
    }

    [Fact]
    public async Task Table_NeverHoldsTheKey()
    {
        var created = await _keys.Create(_caller, new() { Name = "n" }, default);
        await using var db = await postgres.Databases.CreateDbContextAsync(default);
        var row = await db.ApiKeys.SingleAsync(row => row.Id == created.Id);
        Assert.Equal(32, row.Hash.Length);
        Assert.DoesNotContain(created.Key[14..], row.Prefix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_Pages_NeitherSkipNorRepeat()
    {
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            made.Add((await _keys.Create(_caller, new() { Name = $"k{i}" }, default)).Id);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await _keys.List(_caller, 2, cursor, default);
            seen.AddRange(page.Items.Select(key => key.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal(made, seen);
        Assert.Equal("cursor", (await Assert.ThrowsAsync<InvalidInputException>(() => _keys.List(_caller, 2, "!!", default))).Field);
    }

    [Fact]
    public async Task Attack_KeyAsksForMoreThanItsMaker_Refused()
    {
        var weak = _caller with { Scopes = ["api"], ServerIds = ["ms1x"] };
        Assert.Equal("mcpServerIDs", (await Refused(weak, new() { Name = "n", Scopes = ["api"] })).Field);
        Assert.Equal("scopes[0]", (await Refused(_caller with { Scopes = ["api"] }, new() { Name = "n", Scopes = ["llm"] })).Field);
        Assert.Equal("mcpServerIDs[0]", (await Refused(_caller, new() { Name = "n", McpServerIDs = ["ms1none"] })).Field);
        Assert.Equal("scopes[1]", (await Refused(_caller, new() { Name = "n", Scopes = ["mcp", "all"] })).Field);
        Assert.Equal("name", (await Refused(_caller, new())).Field);
        Assert.Equal("expiresAt", (await Refused(_caller, new() { Name = "n", ExpiresAt = DateTimeOffset.UnixEpoch })).Field);

        Task<InvalidInputException> Refused(Principal caller, NewApiKey request) =>
            Assert.ThrowsAsync<InvalidInputException>(() => _keys.Create(caller, request, default));
    }

    [Fact]
    public async Task Revocation_ReachesFeedWithinASecond()
    {
        using var feed = new SecurityFeed(postgres.DataSource, TimeProvider.System, NullLogger<SecurityFeed>.Instance);
        var changes = System.Threading.Channels.Channel.CreateUnbounded<SecurityChange>();
        using var subscription = feed.Subscribe(change => changes.Writer.TryWrite(change));
        Assert.Equal(TimeSpan.MaxValue, feed.Staleness);
        await feed.StartAsync(default);
        var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;
        Assert.Equal(SecurityChangeKinds.Everything, (await changes.Reader.ReadAsync(patience)).Kind);

        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            ids.Add((await _keys.Create(_caller, new() { Name = "n" }, default)).Id);
        }

        var clock = Stopwatch.StartNew();
        foreach (var id in ids)
        {
            await _keys.Revoke(_caller, id, default);
        }

        var last = feed.Revision;
        foreach (var id in ids)
        {
            SecurityChange change;
            do
            {
                change = await changes.Reader.ReadAsync(patience);
                Assert.True(change.Revision > last || change.Revision >= feed.Revision - 3);
            }
            while (change.Kind != SecurityChangeKinds.ApiKey || !ids.Contains(change.Subject));
            Assert.Equal(id, change.Subject);
        }

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"took {clock.Elapsed}");

        // a broken connection is found and replaced
        await using (var command = postgres.DataSource.CreateCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%security_head%'"))
        {
            await command.ExecuteNonQueryAsync();
        }

        var again = await _keys.Create(_caller, new() { Name = "n" }, default);
        for (var revoked = false; !revoked;)
        {
            try
            {
                revoked = await _keys.Revoke(_caller, again.Id, default);
            }
            catch (Exception) when (!patience.IsCancellationRequested)
            {
                // the pool held a connection that the test just killed
            }
        }

        while ((await changes.Reader.ReadAsync(patience)).Subject != again.Id)
        {
        }

        Assert.True(feed.Staleness < TimeSpan.FromSeconds(5));
        await feed.StopAsync(default);
    }

    private async Task AddUserAsync()
    {
        await using var db = await postgres.Databases.CreateDbContextAsync(default);
        db.Users.Add(new UserRow { Id = _caller.UserId, Name = "n", Role = nameof(Role.Power), CreatedAt = DateTimeOffset.UnixEpoch });
        await db.SaveChangesAsync();
    }
}
