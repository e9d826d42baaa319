using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>
/// The socket of a pooled guard: each instance on it proves itself and is then served as if it had a socket of its own. What names no
/// proven instance is dropped.
/// </summary>
internal sealed partial class PoolSession(IAssertionIssuer assertions, GuardSession sessions, IOptions<SecurityOptions> options, TimeProvider time, ILogger<PoolSession> logger)
{
    public async Task RunAsync(ControlSocket socket, CancellationToken cancellationToken)
    {
        var members = new Dictionary<GuardIdentity, Member>();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var renewing = RenewAsync(socket, ended.Token);
        try
        {
            await foreach (var message in socket.ReadAllAsync(cancellationToken))
            {
                await TakeAsync(socket, members, message, ended.Token);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            LogLost(members.Count, e.Message);
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll([renewing, .. members.Values.Select(member => member.Running)]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The pool's own credential, for its next connection.</summary>
    private async Task RenewAsync(ControlSocket socket, CancellationToken ended)
    {
        while (true)
        {
            await socket.SendAsync(new() { Kind = ControlKinds.Renew, Credential = assertions.IssueGuardCredential(GuardIdentity.Pool, 1) }, ended);
            await Task.Delay(options.Value.RenewGuardCredentialEvery, time, ended);
        }
    }

    private async Task TakeAsync(ControlSocket socket, Dictionary<GuardIdentity, Member> members, ControlMessage message, CancellationToken ended)
    {
        if (message is { Kind: ControlKinds.Attach, Credential: { } credential })
        {
            if (await assertions.VerifyGuardCredential(credential, ended) is not { IsPool: false } proven
                || proven.Instance.ToString() != message.Instance || proven.Generation != message.Generation)
            {
                LogUnproven(message.Instance, message.Generation);
                return;
            }

            if (!members.ContainsKey(proven))
            {
                var wire = new Share(socket, proven);
                members[proven] = new(wire, ServeAsync(wire, proven, ended));
            }

            return;
        }

        if (!McpInstanceId.TryParse(message.Instance, out var instance) || !members.TryGetValue(new(instance, message.Generation ?? 0), out var member))
        {
            return;
        }

        if (message.Kind == ControlKinds.Detach)
        {
            members.Remove(new(instance, message.Generation ?? 0));
            member.Wire.End();
        }
        else
        {
            await member.Wire.TakeAsync(message, ended);
        }
    }

    private async Task ServeAsync(Share wire, GuardIdentity identity, CancellationToken ended)
    {
        await Task.Yield();
        try
        {
            await using var channel = new GuardChannel(wire, isPooled: true);
            await sessions.RunAsync(channel, identity, ended);
        }
        catch (Exception e)
        {
            LogMember(e, identity.Instance, identity.Generation);
        }
        finally
        {
            wire.End();
        }
    }

    [LoggerMessage(LogLevel.Debug, "The control channel of a pooled guard of {Count} instances ended: {Reason}")]
    private partial void LogLost(int count, string reason);

    [LoggerMessage(LogLevel.Warning, "A pooled guard claims instance {Instance} generation {Generation} without a credential that proves it")]
    private partial void LogUnproven(string? instance, long? generation);

    [LoggerMessage(LogLevel.Warning, "What {Instance} generation {Generation} says on its pooled guard's channel is not heard until that connects again")]
    private partial void LogMember(Exception exception, McpInstanceId instance, long generation);

    private sealed record Member(Share Wire, Task Running);

    /// <summary>One instance's share of the socket.</summary>
    private sealed class Share(ControlSocket socket, GuardIdentity identity) : IControlWire
    {
        private const int Backlog = 64;

        private readonly string instance = identity.Instance.ToString();
        private readonly Channel<ControlMessage> incoming = Channel.CreateBounded<ControlMessage>(new BoundedChannelOptions(Backlog) { SingleReader = true });

        public Task SendAsync(ControlMessage message, CancellationToken cancellationToken) =>
            socket.SendAsync(message with { Instance = instance, Generation = identity.Generation }, cancellationToken);

        public async IAsyncEnumerable<ControlMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (var message in incoming.Reader.ReadAllAsync(cancellationToken))
            {
                yield return message;
            }
        }

        /// <summary>Waits while the instance has much unread: the guard's socket is slowed down, nothing is lost.</summary>
        public async ValueTask TakeAsync(ControlMessage message, CancellationToken cancellationToken)
        {
            if (await incoming.Writer.WaitToWriteAsync(cancellationToken))
            {
                incoming.Writer.TryWrite(message);
            }
        }

        public void End() => incoming.Writer.TryComplete();
    }
}
