using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Gateway.Control;
using Obot.Grains.Abstractions.Filters;
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
    private readonly Server _server = new();
    private readonly IAssertionIssuer _assertions = Substitute.For<IAssertionIssuer>();
    private readonly CancellationTokenSource _done = new();
    private readonly Socket _socket = new();
    private readonly GuardChannel _channel;
    private Action<SecurityChange> _publish = _ => { };
    private Task _running = Task.CompletedTask;

    public PolicyPushTests()
    {
        _channel = new(new ControlSocket(_socket));
        _feed.Subscribe(Arg.Do<Action<SecurityChange>>(handler => _publish = handler)).Returns(Substitute.For<IDisposable>());
        _feed.Revision.Returns(7);
        _feed.Staleness.Returns(TimeSpan.FromMilliseconds(250));
        _assertions.PublicKeys.Returns("keys");
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _done.Dispose();
        await _channel.DisposeAsync();
        _socket.Dispose();
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
        var cutOff = await NextAsync(message => message.StalenessMilliseconds > 250);
        Assert.Equal((ControlKinds.Heartbeat, 7L, (long)int.MaxValue), (cutOff.Kind, cutOff.Revision, cutOff.StalenessMilliseconds));
    }

    [Fact]
    public async Task Change_ThatTouchesTheServer_IsSentAtOnce_AndAnotherIsOnlyConfirmed()
    {
        Start(TimeSpan.FromHours(1));
        await NextAsync();
        _publish(new(8, SecurityChangeKinds.AccessRule, "other"));
        var confirmed = await NextAsync(message => message.Revision != 7);
        Assert.Equal((ControlKinds.Heartbeat, 8L), (confirmed.Kind, confirmed.Revision));

        _server.Policy = new("owner", [new(false, ["ann"], ["g"], ["echo"])]);
        _publish(new(9, SecurityChangeKinds.AccessRule, "mine"));
        var changed = await NextAsync(message => message.Revision != 8);
        Assert.Equal((ControlKinds.Snapshot, 9L), (changed.Kind, changed.Policy!.Revision));
        Assert.Equal(["echo"], changed.Policy.Rules[0].Tools!);
        _publish(new(10, SecurityChangeKinds.Server, "s2"));
        _server.Entry = null;
        _publish(new(11, SecurityChangeKinds.Server, "s1"));
        var removed = await NextAsync(message => message.Policy is not null);
        Assert.Equal(11, removed.Policy!.Revision);
        Assert.Empty(removed.Policy.Owners);
        Assert.Empty(removed.Policy.Rules);
    }

    [Fact]
    public async Task Filter_Changed_IsSentAtOnceWithItsSecret()
    {
        Start(TimeSpan.FromHours(1));
        Assert.Empty((await NextAsync()).Policy!.Filters);
        _server.Filters =
        [
            new()
            {
                Id = "f", Revision = 3, Name = "hook", Kind = FilterKinds.Webhook, Url = "http://h/", Secret = "s", Selectors = [new() { Method = "tools/call", Identifiers = ["echo"] }],
                OnRequest = true, OnResponse = false, AllowedToMutate = true, Timeout = TimeSpan.FromSeconds(3),
            },
        ];
        _publish(new(8, SecurityChangeKinds.Filter, "f"));
        var sent = Assert.Single((await NextAsync(message => message.Policy is not null)).Policy!.Filters);
        Assert.Equal(("f", "hook", "webhook", "http://h/", "s", true, false, true, 3000), (sent.Id, sent.Name, sent.Kind, sent.Url, sent.Secret, sent.OnRequest, sent.OnResponse, sent.AllowedToMutate, sent.TimeoutMilliseconds));
        Assert.Equal(["echo"], Assert.Single(sent.Selectors).Identifiers!);

        // the same filter read again is no news
        _server.Filters = [_server.Filters[0] with { }];
        _publish(new(9, SecurityChangeKinds.Filter, "another"));
        Assert.Equal(ControlKinds.Heartbeat, (await NextAsync(message => message.Revision == 9 || message.Policy?.Revision == 9)).Kind);
    }

    /// <summary>Rules that cannot be read are no news: the guard's own clock goes on.</summary>
    [Fact]
    public async Task Policy_ThatCannotBeRead_IsNotConfirmed()
    {
        Start();
        await NextAsync();
        _server.Policy = null;
        while (_socket.Sent.Reader.TryRead(out _))
        {
        }

        await Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
        Assert.InRange(_socket.Sent.Reader.Count, 0, 1);
        _server.Policy = new("owner", []);
        while (_socket.Sent.Reader.TryRead(out _))
        {
        }

        Assert.Equal(ControlKinds.Heartbeat, (await NextAsync()).Kind);
    }

    private void Start(TimeSpan? maxStaleness = null)
    {
        var options = Options.Create(new SecurityOptions { MaxStaleness = maxStaleness ?? TimeSpan.FromMilliseconds(400) });
        var push = new PolicyPush(_server, _server, _server, _assertions, _feed, options, NullLogger<PolicyPush>.Instance);
        _running = push.RunAsync(_channel, new(McpInstanceId.Shared("s1"), 1), _done.Token);
    }

    /// <summary>The next message, or the next one that is meant: heartbeats come in between when the machine is slow.</summary>
    private async Task<ControlMessage> NextAsync(Func<ControlMessage, bool>? meant = null)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        while (true)
        {
            var message = await _socket.Sent.Reader.ReadAsync(patience.Token);
            if (meant?.Invoke(message) is not false)
            {
                return message;
            }
        }
    }

    /// <summary>The one server that there is, and who may call it.</summary>
    private sealed class Server : IServerDirectory, IServerAccess, IServerFilters
    {
        public ServerEntry? Entry { get; set; } = new("s1", PerUser: false, "owner");

        /// <summary>Null: the rules cannot be read.</summary>
        public AccessPolicy? Policy { get; set; } = new("owner", []);

        public ValueTask<ServerEntry?> Find(string serverId, CancellationToken cancellationToken) => new(Entry);

        public ValueTask<AccessPolicy> Of(ServerEntry server, CancellationToken cancellationToken) => Policy is { } policy ? new(policy) : throw new IOException("no database");

        public bool IsNamed(string groupId) => true;

        public IReadOnlyList<ServerFilter> Filters { get; set; } = [];

        ValueTask<IReadOnlyList<ServerFilter>> IServerFilters.Of(ServerEntry server, CancellationToken cancellationToken) => new(Filters);

        public ValueTask<FilterServer?> FindServer(string filterId, ServerEntry server, CancellationToken cancellationToken) => new((FilterServer?)null);
    }

    /// <summary>Keeps what was sent.</summary>
    private sealed class Socket : WebSocket
    {
        public Channel<ControlMessage> Sent { get; } = Channel.CreateUnbounded<ControlMessage>();

        public override WebSocketCloseStatus? CloseStatus => null;

        public override string? CloseStatusDescription => null;

        public override WebSocketState State => WebSocketState.Open;

        public override string? SubProtocol => null;

        public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
        {
            Sent.Writer.TryWrite(JsonSerializer.Deserialize(buffer.AsSpan(), ShimJson.Default.ControlMessage)!);
            return Task.CompletedTask;
        }

        public override void Abort()
        {
        }

        public override void Dispose()
        {
        }

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
