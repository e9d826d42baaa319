using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Filters;

namespace Obot.Grains.Tests.Filters;

[Collection(nameof(PostgresTests))]
public sealed class StoredFiltersTests(Postgres postgres) : IAsyncLifetime
{
    private readonly string _server = RandomId.New("ms1");
    private readonly string _filterServer = RandomId.New("ms1");
    private readonly Principal _admin = new(RandomId.New("u1"), Role.Admin, "c", Scopes.All);
    private readonly FakeEncryption _encryption = new();

    private StoredFilters Filters => new(postgres.Databases, _encryption, null!, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        var now = TimeProvider.System.Now();
        foreach (var id in (string[])[_server, _filterServer])
        {
            db.Servers.Add(new() { Id = id, OwnerId = "owner", Name = id, Manifest = "{}", Revision = 1, PerUser = false, CreatedAt = now, UpdatedAt = now });
        }

        await db.SaveChangesAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        await db.Filters.ExecuteDeleteAsync();
    }

    [Fact]
    public async Task Filter_Life_IsAnnouncedAndNeverShowsItsSecret()
    {
        var before = await EventsAsync();
        var made = await Filters.Create(_admin, Webhook with { Secret = "hush" }, default);
        Assert.Equal((FilterKinds.Webhook, true, 100, 10), (made.Kind, made.HasSecret, made.Order, made.TimeoutSeconds));
        Assert.Equal([new RuleResource("selector", "*")], made.Resources);
        Assert.Equal(["request", "response"], made.Sides);
        Assert.Null(made.Selectors);
        Assert.Equal(_encryption.EncryptText(FilterMapping.Place(made.Id), "hush"), (await RowAsync(made.Id)).Secret);

        var kept = await Filters.Update(_admin, made.Id, Webhook with { Name = "renamed", Sides = ["response"], Selectors = [new() { Method = "tools/call", Identifiers = ["*"] }] }, default);
        Assert.Equal((true, 2L, "renamed"), (kept!.HasSecret, kept.Revision, kept.Name));
        Assert.Equivalent(kept, await Filters.Find(_admin, made.Id, default));
        Assert.Equal(["response"], kept.Sides);
        Assert.False((await Filters.Update(_admin, made.Id, Webhook with { Secret = "" }, default))!.HasSecret);
        Assert.Single((await Filters.List(_admin, 10, null, default)).Items);
        Assert.True(await Filters.Delete(_admin, made.Id, default));
        Assert.False(await Filters.Delete(_admin, made.Id, default));
        Assert.Null(await Filters.Update(_admin, made.Id, Webhook, default));
        Assert.Equal(before + 4, await EventsAsync());
    }

    [Fact]
    public async Task Filters_AreForAdministratorsWithAnUnrestrictedCredential()
    {
        foreach (var caller in (Principal[])[_admin with { Role = Role.PowerPlus }, _admin with { ServerIds = [_server] }])
        {
            await Assert.ThrowsAsync<NotAllowedException>(() => Filters.Create(caller, Webhook, default));
            await Assert.ThrowsAsync<NotAllowedException>(() => Filters.List(caller, 10, null, default));
            await Assert.ThrowsAsync<NotAllowedException>(() => Filters.Find(caller, "x", default));
            await Assert.ThrowsAsync<NotAllowedException>(() => Filters.Delete(caller, "x", default));
            await Assert.ThrowsAsync<NotAllowedException>(() => Filters.Test(caller, "x", new(), default));
        }
    }

    [Fact]
    public async Task Filter_ThatIsWrong_NamesTheField()
    {
        foreach (var (filter, field) in (IEnumerable<(NewFilter, string)>)
            [
                (Webhook with { Name = "" }, "name"), (Webhook with { Url = null }, "url"), (Webhook with { Url = "ftp://x/" }, "url"), (Webhook with { Url = "http://u:p@x/" }, "url"),
                (Webhook with { McpServerID = _filterServer, ToolName = "t" }, "url"), (Webhook with { ToolName = "t" }, "toolName"), (Webhook with { Kind = "magic" }, "kind"),
                (new() { Name = "n", McpServerID = _filterServer }, "toolName"), (new() { Name = "n", McpServerID = "ms1none", ToolName = "t" }, "mcpServerID"), (new() { Name = "n", Kind = "pii", Secret = "s" }, "secret"),
                (Webhook with { Resources = [new("mcpServer", "ms1none")] }, "resources[0].id"), (Webhook with { Resources = [new("selector", "x")] }, "resources[0].id"), (Webhook with { Resources = [new("team", "x")] }, "resources[0].type"),
                (Webhook with { Selectors = [new() { Method = "" }] }, "selectors[0].method"), (Webhook with { Selectors = [new() { Method = "*", Identifiers = [] }] }, "selectors[0].identifiers"),
                (Webhook with { Selectors = [new() { Method = "*", Identifiers = ["a", ""] }] }, "selectors[0].identifiers[1]"), (Webhook with { Sides = ["both"] }, "sides"), (Webhook with { Order = -1 }, "order"), (Webhook with { TimeoutSeconds = 61 }, "timeoutSeconds"),
            ])
        {
            Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(() => Filters.Create(_admin, filter, default))).Field);
        }
    }

    [Fact]
    public async Task Filters_OfAServer_AreThoseThatTouchItInTheirOrder()
    {
        var feed = Substitute.For<ISecurityFeed>();
        Action<SecurityChange> publish = _ => { };
        feed.Subscribe(Arg.Do<Action<SecurityChange>>(handler => publish = handler)).Returns(Substitute.For<IDisposable>());
        var directory = Substitute.For<IServerDirectory>();
        directory.Find(_filterServer, Arg.Any<CancellationToken>()).Returns(new ServerEntry(_filterServer, PerUser: true, "owner"));
        using var filters = new ServerFilters(postgres.Databases, directory, _encryption, feed, TimeProvider.System, NullLogger<ServerFilters>.Instance);
        var server = new ServerEntry(_server, PerUser: false, "owner");
        Assert.Empty(await filters.Of(server, default));

        await Filters.Create(_admin, Webhook with { Name = "second", Secret = "hush", TimeoutSeconds = 3 }, default);
        await Filters.Create(_admin, Webhook with { Name = "off", Disabled = true }, default);
        await Filters.Create(_admin, Webhook with { Name = "elsewhere", Resources = [new("mcpServer", _filterServer)] }, default);
        var asked = await Filters.Create(_admin, new() { Name = "first", McpServerID = _filterServer, ToolName = "judge", Order = 5 }, default);
        Assert.Empty(await filters.Of(server, default));
        publish(new(1, SecurityChangeKinds.Filter, "x"));
        var found = await filters.Of(server, default);
        Assert.Equal(["first", "second"], found.Select(filter => filter.Name));
        Assert.Equal(("hush", TimeSpan.FromSeconds(3)), (found[1].Secret, found[1].Timeout));
        Assert.Same(found, await filters.Of(server, default));

        // who filters is looked at by webhooks and by no filter server, itself included
        Assert.Equal(["second", "elsewhere"], (await filters.Of(new(_filterServer, PerUser: true, "owner"), default)).Select(filter => filter.Name));
        var tool = await filters.FindServer(asked.Id, server, default);
        Assert.Equal(($"{_filterServer}/owner", "owner", $"filter:{asked.Id}", "judge"), (tool!.Instance.ToString(), tool.Caller.UserId, tool.Caller.CredentialId, tool.ToolName));
        Assert.Null(await filters.FindServer(asked.Id, new(_filterServer, PerUser: true, "owner"), default));
        Assert.Null(await filters.FindServer("none", server, default));

        _encryption.IsBroken = true;
        publish(new(2, SecurityChangeKinds.Everything, "*"));
        var broken = await filters.Of(server, default);
        Assert.Equal([FilterKinds.Server, ServerFilter.Unreadable], broken.Select(filter => filter.Kind));
        Assert.False(ServerFilter.Same(found, broken));
    }

    private static NewFilter Webhook => new() { Name = "hook", Url = "http://127.0.0.1:9/hook" };

    [Fact]
    public async Task Filter_Changes_SayWhoDidWhat()
    {
        var made = await Filters.Create(_admin, Webhook, default);
        await Filters.Update(_admin, made.Id, Webhook with { Name = "renamed" }, default);
        await Filters.Delete(_admin, made.Id, default);
        await using var db = await postgres.Databases.CreateDbContextAsync();
        var changes = await db.Changes.Where(row => row.SubjectId == made.Id).OrderBy(row => row.Id).ToListAsync();
        Assert.Equal(["create hook", "update renamed", "delete renamed"], changes.Select(row => $"{row.Action} {row.SubjectName}"));
        Assert.All(changes, row => Assert.Equal((_admin.UserId, "mcp-webhook-validations"), (row.UserId, row.Kind)));
    }

    private async Task<FilterRow> RowAsync(string id)
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        return await db.Filters.SingleAsync(row => row.Id == id);
    }

    private async Task<int> EventsAsync()
    {
        await using var db = await postgres.Databases.CreateDbContextAsync();
        return await db.SecurityEvents.CountAsync(row => row.Kind == SecurityChangeKinds.Filter);
    }

    /// <summary>Binds to its place and is otherwise no encryption.</summary>
    private sealed class FakeEncryption : IEncryption
    {
        public bool IsBroken { get; set; }

        public byte[] Encrypt(in SecretPlace place, ReadOnlySpan<byte> plaintext) => [.. Convert.FromBase64String("OBOTxxxx"), .. System.Text.Encoding.UTF8.GetBytes(place.ToString()), .. plaintext];

        public byte[] Decrypt(in SecretPlace place, ReadOnlySpan<byte> ciphertext) =>
            IsBroken ? throw new CiphertextException(place, "test") : ciphertext[(6 + System.Text.Encoding.UTF8.GetByteCount(place.ToString()))..].ToArray();

        public byte[] DecryptOrPlain(in SecretPlace place, ReadOnlySpan<byte> stored) => Decrypt(place, stored);

        public bool IsEncrypted(ReadOnlySpan<byte> stored) => true;

        public byte[] BlindIndex(string purpose, string value) => throw new NotSupportedException();
    }
}
