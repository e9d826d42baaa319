using Obot.Shim.Contracts.Control;
using Obot.Shim.Guard.Control;

namespace Obot.Shim.Guard.Pool;

/// <summary>
/// Many instances on one control channel: each introduces itself with its own credential, and every message says of whom it speaks.
/// </summary>
internal sealed class PoolControl(GuardCredential credential) : IControlled
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Instance, long Generation), Talk> talks = [];
    private Connection? connection;

    public void Attach(GuardInstance instance)
    {
        lock (gate)
        {
            var talk = talks[KeyOf(instance)] = new(instance);
            if (connection is not null)
            {
                talk.Begin(connection);
            }
        }
    }

    public void Detach(GuardInstance instance)
    {
        Connection? told;
        lock (gate)
        {
            if (talks.Remove(KeyOf(instance), out var talk))
            {
                talk.End();
            }

            told = connection;
        }

        if (told is { } line)
        {
            _ = TellAsync(line, new() { Kind = ControlKinds.Detach, Instance = instance.Boot.Instance, Generation = instance.Boot.Generation });
        }
    }

    public async Task TalkAsync(ControlSend send, CancellationToken ended)
    {
        var line = new Connection(send, ended);
        lock (gate)
        {
            connection = line;
            foreach (var talk in talks.Values)
            {
                talk.Begin(line);
            }
        }

        try
        {
            await Task.WhenAny(line.Broken.Task, Task.Delay(Timeout.Infinite, ended));
            if (!ended.IsCancellationRequested)
            {
                throw new IOException("nothing can be said on the control channel any more");
            }
        }
        finally
        {
            lock (gate)
            {
                connection = null;
                foreach (var talk in talks.Values)
                {
                    talk.End();
                }
            }
        }
    }

    public Task ObeyAsync(ControlMessage message, ControlSend send, CancellationToken ended)
    {
        if (message is { Kind: ControlKinds.Renew, Instance: null, Credential: { } next })
        {
            credential.Replace(next);
            return Task.CompletedTask;
        }

        Talk? talk;
        lock (gate)
        {
            talk = message.Instance is null ? null : talks.GetValueOrDefault((message.Instance, message.Generation ?? 0));
        }

        return talk is null ? Task.CompletedTask : talk.Instance.Control.ObeyAsync(message, talk.Stamped(send), ended);
    }

    private static async Task TellAsync(Connection line, ControlMessage message)
    {
        try
        {
            await line.Send(message, line.Ended);
        }
        catch (Exception)
        {
            // a connection that is over: the next one does not know the instance
        }
    }

    private static (string Instance, long Generation) KeyOf(GuardInstance instance) => (instance.Boot.Instance, instance.Boot.Generation);

    private sealed record Connection(ControlSend Send, CancellationToken Ended)
    {
        public TaskCompletionSource Broken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>What one instance says on one connection after the other.</summary>
    private sealed class Talk(GuardInstance instance)
    {
        private CancellationTokenSource? ended;

        public GuardInstance Instance => instance;

        public void Begin(Connection line)
        {
            ended = CancellationTokenSource.CreateLinkedTokenSource(line.Ended);
            _ = RunAsync(line, ended);
        }

        public void End()
        {
            ended?.Cancel();
            ended = null;
        }

        public ControlSend Stamped(ControlSend send) =>
            (message, cancellationToken) => send(message with { Instance = instance.Boot.Instance, Generation = instance.Boot.Generation }, cancellationToken);

        private async Task RunAsync(Connection line, CancellationTokenSource until)
        {
            using (until)
            {
                try
                {
                    await Task.Yield();
                    var send = Stamped(line.Send);
                    await send(new() { Kind = ControlKinds.Attach, Credential = instance.Credential.Value }, until.Token);
                    await instance.Control.TalkAsync(send, until.Token);
                }
                catch (OperationCanceledException)
                {
                    // the connection is over, or the instance
                }
                catch (Exception)
                {
                    line.Broken.TrySetResult();
                }
            }
        }
    }
}
