using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.ExceptionExtensions;
using Obot.Gateway.Control;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Tests.Control;

public sealed class PolicyPushTests : IAsyncLifetime
{
    private readonly ISecurityFeed _feed = Substitute.For<ISecurityFeed>();
    private readonly IServerDirectory _directory = Substitute.For<IServerDirectory>();
    private readonly IServerAccess _access = Substitute.For<IServerAccess>();
    private readonly IAssertionIssuer _assertions = Substitute.For<IAssertionIssuer>();
    private readonly Channel<ControlMessage> _sent = Channel.CreateUnbounded<ControlMessage>();
    private readonly CancellationTokenSource _done = new();
    private readonly WebSocket _socket = Substitute.For<WebSocket>();
    private readonly GuardChannel _channel;
    private readonly ServerEntry _server = new("s1", PerUser: false, "owner");
    private Action<SecurityChange> _publish = _ => { };
    private Task _running = Task.CompletedTask;

    public PolicyPushTests()
    {
        _channel = new(_socket);
        _socket.SendAsync(Arg.Any<ReadOnlyMemory<byte>>(), Arg.Any<WebSocketMessageType>(), Arg.Any<bool>(), Arg.Any<CancellationToken>()).Returns(call =>
        {
            _sent.Writer.TryWrite(JsonSerializer.Deserialize(call.Arg<ReadOnlyMemory<byte>>().Span, ShimJson.Default.ControlMessage)!);
            return ValueTask.CompletedTask;
        });
        _feed.Subscribe(Arg.Do<Action<SecurityChange>>(handler => _publish = handler)).Returns(Substitute.For<IDisposable>());
        _feed.Revision.Returns(7);
        _feed.Staleness.Returns(TimeSpan.FromMilliseconds(250));
        _assertions.PublicKeys.Returns("keys");
        _directory.Find("s1", Arg.Any<CancellationToken>()).Returns(new ValueTask<ServerEntry?>(_server));
        _access.Of(_server, Arg.Any<CancellationToken>()).Returns(new ValueTask<AccessPolicy>(new AccessPolicy("owner", [])));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _done.Dispose();
        await _channel.DisposeAsync();
    }

    [Fact]
    public async Task Guard_Connected_GetsASnapshotAndThenHeartbeatsWithTheSilosOwnStaleness()
    {
        Start();
        var first = await NextAsync();
        Assert.Equal(ControlKinds.Snapshot, first.Kind);
        Assert.Equal(["owner"], first.Policy!.Owners);
        Assert.Equal(7, first.Policy.Revision);
        Assert.Equal(250, first.StalenessMilliseconds);
        _feed.Staleness.Returns(TimeSpan.MaxValue);
        var second = await NextAsync();
        Assert.Equal((ControlKinds.Heartbeat, 7L, (long)int.MaxValue), (second.Kind, second.Revision, second.StalenessMilliseconds));
    }

    [Fact]
    public async Task Change_ThatTouchesTheServer_IsSentAtOnce_AndAnotherIsOnlyConfirmed()
    {
        Start(TimeSpan.FromHours(1));
        await NextAsync();
        _publish(new(8, SecurityChangeKinds.AccessRule, "other"));
        var confirmed = await NextAsync();
        Assert.Equal((ControlKinds.Heartbeat, 8L), (confirmed.Kind, confirmed.Revision));

        _access.Of(_server, Arg.Any<CancellationToken>()).Returns(new ValueTask<AccessPolicy>(new AccessPolicy("owner", [new(false, ["ann"], ["g"], ["echo"])])));
        _publish(new(9, SecurityChangeKinds.AccessRule, "mine"));
        var changed = await NextAsync();
        Assert.Equal((ControlKinds.Snapshot, 9L), (changed.Kind, changed.Policy!.Revision));
        Assert.Equal(["echo"], changed.Policy.Rules[0].Tools!);
        _publish(new(10, SecurityChangeKinds.Server, "s2"));
        _directory.Find("s1", Arg.Any<CancellationToken>()).Returns(new ValueTask<ServerEntry?>((ServerEntry?)null));
        _publish(new(11, SecurityChangeKinds.Server, "s1"));
        var removed = await NextAsync();
        Assert.Equal(11, removed.Policy!.Revision);
        Assert.Empty(removed.Policy.Owners);
        Assert.Empty(removed.Policy.Rules);
    }

    /// <summary>Rules that cannot be read are no news: the guard's own clock goes on.</summary>
    [Fact]
    public async Task Policy_ThatCannotBeRead_IsNotConfirmed()
    {
        Start();
        await NextAsync();
        _access.Of(_server, Arg.Any<CancellationToken>()).ThrowsAsync(new IOException("no database"));
        while (_sent.Reader.TryRead(out _))
        {
        }

        await Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
        Assert.InRange(_sent.Reader.Count, 0, 1);
        _access.Of(_server, Arg.Any<CancellationToken>()).Returns(new ValueTask<AccessPolicy>(new AccessPolicy("owner", [])));
        while (_sent.Reader.TryRead(out _))
        {
        }

        Assert.Equal(ControlKinds.Heartbeat, (await NextAsync()).Kind);
    }

    private void Start(TimeSpan? maxStaleness = null)
    {
        var options = Options.Create(new SecurityOptions { MaxStaleness = maxStaleness ?? TimeSpan.FromMilliseconds(400) });
        var push = new PolicyPush(_access, _directory, _assertions, _feed, options, NullLogger<PolicyPush>.Instance);
        _running = push.RunAsync(_channel, new(McpInstanceId.Shared("s1"), 1), _done.Token);
    }

    private async Task<ControlMessage> NextAsync() => await _sent.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
}
