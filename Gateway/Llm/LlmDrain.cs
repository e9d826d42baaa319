using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm;

/// <summary>
/// The end of this silo: answers under way are finished, up to <see cref="LlmOptions.DrainTimeout"/>, and new calls are sent elsewhere. Before anything of the silo is stopped.
/// </summary>
internal sealed partial class LlmDrain(IOptions<LlmOptions> options, TimeProvider time, ILogger<LlmDrain> logger) : IHostedLifecycleService
{
    private readonly TaskCompletionSource last = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int open;
    private volatile bool isEnding;

    /// <returns>False when the silo ends; true has to be followed by <see cref="Leave"/>.</returns>
    public bool TryEnter()
    {
        Interlocked.Increment(ref open);
        if (!isEnding)
        {
            return true;
        }

        Leave();
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref open) == 0 && isEnding)
        {
            last.TrySetResult();
        }
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // counted like a call, so that the last one to leave tells it
        Interlocked.Increment(ref open);
        isEnding = true;
        Leave();
        if (!last.Task.IsCompleted)
        {
            LogDraining(Volatile.Read(ref open), options.Value.DrainTimeout.TotalSeconds);
            await last.Task.WaitAsync(options.Value.DrainTimeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            LogDrained(Volatile.Read(ref open));
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Information, "The silo stops: {Count} calls of models are let finish for {Seconds} s at most, new ones are refused")]
    private partial void LogDraining(int count, double seconds);

    [LoggerMessage(LogLevel.Information, "{Count} calls of models were not over in time")]
    private partial void LogDrained(int count);
}
