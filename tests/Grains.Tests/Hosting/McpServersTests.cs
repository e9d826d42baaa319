using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Credentials;
using Obot.Grains.Hosting;

namespace Obot.Grains.Tests.Hosting;

[Collection(nameof(PostgresTests))]
public sealed class McpServersTests : IDisposable
{
    private readonly IGrainFactory _grains = Substitute.For<IGrainFactory>();
    private readonly IMcpServerGrain _grain = Substitute.For<IMcpServerGrain>();
    private readonly ISecurityFeed _feed = Substitute.For<ISecurityFeed>();
    private readonly Principal _caller = new($"u-{Guid.NewGuid():N}", Role.Basic, "c", Scopes.All);
    private readonly ServerInstances _instances;
    private readonly ServerDirectory _directory;
    private readonly ServerTools _tools = new(Substitute.For<IAssertionIssuer>(), TimeProvider.System);
    private readonly McpServers _servers;
    private Action<SecurityChange> _publish = _ => { };

    public McpServersTests(Postgres postgres)
    {
        _grain.GetDeployment().Returns(new ServerDeployment { Status = DeploymentStatus.Stopped });
        _grains.GetGrain<IMcpServerGrain>(Arg.Any<string>()).Returns(_grain);
        _feed.Subscribe(Arg.Do<Action<SecurityChange>>(handler => _publish = handler)).Returns(Substitute.For<IDisposable>());
        _instances = new(postgres.Databases, TimeProvider.System);
        _directory = new(postgres.Databases, _feed, TimeProvider.System);
        var launcher = new InstanceLauncher(_grains, TimeProvider.System);
        _servers = new(
            postgres.Databases,
            _instances,
            new ServerViews(_grains, postgres.Silo.Encryption, NullLogger<ServerViews>.Instance),
            new ServerLife(_grains, _instances, launcher, NullLogger<ServerLife>.Instance),
            _tools,
            Substitute.For<IServerLogs>(),
            new ConnectionEnds(_grains, NullLogger<ConnectionEnds>.Instance),
            postgres.Silo.Encryption,
            TimeProvider.System,
            NullLogger<McpServers>.Instance);
    }

    public void Dispose()
    {
        _directory.Dispose();
        _tools.Dispose();
    }

    [Fact]
    public async Task Server_Life_FromCreateToDelete()
    {
        var made = await _servers.Create(_caller, Manifest(), default);
        Assert.Matches("^ms1[a-z2-7]{10}$", made.Id);
        Assert.Equal($"{made.Id}/{_caller.UserId}", made.Instance);
        Assert.Equal(["TOKEN"], made.MissingRequiredEnvVars);
        Assert.False(made.Configured);
        Assert.Equal(made.CreatedAt, (await _servers.Find(_caller, made.Id, default))?.CreatedAt);
        Assert.Null(await _servers.Find(_caller with { UserId = "other" }, made.Id, default));
        Assert.NotNull(await _servers.Find(_caller with { UserId = "other", Role = Role.Admin }, made.Id, default));
        Assert.Null(await _servers.Find(_caller with { ServerIds = ["ms1other"] }, made.Id, default));

        Assert.Equal("TOKEN", (await Assert.ThrowsAsync<InvalidInputException>(() => _servers.Launch(_caller, made.Id, default))).Field);
        Assert.Equal("NONE", (await Assert.ThrowsAsync<InvalidInputException>(() => Configure("NONE"))).Field);
        Assert.True((await Configure("TOKEN"))?.Configured);
        await _grain.Received().Replace("configuration changed");

        var updated = await _servers.Update(_caller, made.Id, Manifest() with { Name = "b" }, default);
        Assert.Equal((2, "b"), (updated!.Revision, updated.Manifest.Name));
        Assert.True(updated.Configured);

        Assert.True(await _instances.Record(McpInstanceId.Of(made.Id, "third"), default));
        Assert.True(await _servers.Delete(_caller, made.Id, default));
        _grains.Received().GetGrain<IMcpServerGrain>($"{made.Id}/third");
        await _grain.Received(2).Remove();
        Assert.False(await _servers.Delete(_caller, made.Id, default));
        Assert.False(await _instances.Record(McpInstanceId.Of(made.Id, "late"), default));

        Task<McpServerView?> Configure(string key) =>
            _servers.Configure(_caller, made.Id, new Dictionary<string, string>(StringComparer.Ordinal) { [key] = "v" }, default);
    }

    [Fact]
    public async Task Launch_OutcomeAskedForAgain_WhenPushIsLost()
    {
        var made = await _servers.Create(_caller, Manifest() with { Env = [] }, default);
        _grain.EnsureRunning(default, default!, default).ReturnsForAnyArgs(Route(DeploymentStatus.Starting));
        _grain.Observe(default!).ReturnsForAnyArgs(Route(DeploymentStatus.Failed, "package not found"));
        var view = await _servers.Launch(_caller, made.Id, default);
        Assert.Equal((DeploymentStatus.Failed, "package not found"), (view!.DeploymentStatus, view.DeploymentReason));
        await _grain.Received(1).Reset();

        var refused = await Assert.ThrowsAsync<ServerUnavailableException>(() => _servers.Tools(_caller, made.Id, default));
        Assert.Contains("package not found", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Directory_Removed_ForgottenByFeed()
    {
        var made = await _servers.Create(_caller, Manifest(), default);
        Assert.Equal(new ServerEntry(made.Id, true, _caller.UserId), await _directory.Find(made.Id, default));
        await _servers.Delete(_caller, made.Id, default);
        Assert.NotNull(await _directory.Find(made.Id, default));
        _publish(new(1, SecurityChangeKinds.Server, made.Id));
        Assert.Null(await _directory.Find(made.Id, default));
        Assert.Null(await _directory.Find("a\0b", default));
    }

    [Fact]
    public async Task List_CursorAndLimit_PageThrough()
    {
        for (var i = 0; i < 3; i++)
        {
            await _servers.Create(_caller, Manifest() with { Name = $"s{i}" }, default);
        }

        var first = await _servers.List(_caller, 2, null, default);
        var second = await _servers.List(_caller, 2, first.NextCursor, default);
        Assert.Equal("s0 s1 s2", string.Join(' ', first.Items.Concat(second.Items).Select(view => view.Manifest.Name)));
        Assert.Null(second.NextCursor);
        Assert.Equal("limit", (await Assert.ThrowsAsync<InvalidInputException>(() => _servers.List(_caller, 501, null, default))).Field);
    }

    [Fact]
    public async Task Grain_Unreachable_ServerIsStillShown()
    {
        var made = await _servers.Create(_caller, Manifest(), default);
        _grain.GetDeployment().Returns<ServerDeployment>(_ => throw new TimeoutException());
        Assert.Equal(DeploymentStatus.Unhealthy, (await _servers.Find(_caller, made.Id, default))?.DeploymentStatus);
    }

    private static ServerManifest Manifest() => new()
    {
        Name = "a",
        Runtime = Runtimes.Npx,
        NpxConfig = new() { Package = "p" },
        Env = [new() { Key = "TOKEN", Required = true, Sensitive = true }],
    };

    private static ServerRoute Route(DeploymentStatus status, string? reason = null) => new("i", 1, status, null, reason, null);
}
