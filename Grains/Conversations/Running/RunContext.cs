using System.Collections.Concurrent;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations.Running;

/// <summary>What one activation and its run share. The run lives outside of the grain's turns.</summary>
/// <param name="Id">Of the conversation.</param>
/// <param name="Epoch">Under which it writes.</param>
internal sealed record RunContext(string Id, long Epoch, ConversationFeed Feed) : IDisposable
{
    private readonly CancellationTokenSource _left = new();
    private CancellationTokenSource _stopped = new();

    /// <summary>Questions of servers that wait for their person: part id → where the answer goes.</summary>
    public ConcurrentDictionary<string, TaskCompletionSource<QuestionAnswer>> Questions { get; } = new(StringComparer.Ordinal);

    /// <summary>The activation ends; somebody else goes on.</summary>
    public CancellationToken Left => _left.Token;

    public bool IsStopped => _stopped.IsCancellationRequested;

    /// <summary>Cancelled when a person stops the run or the activation ends.</summary>
    public CancellationTokenSource NewRun()
    {
        _stopped.Dispose();
        _stopped = new();
        return CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token, _left.Token);
    }

    public Task StopAsync() => _stopped.CancelAsync();

    public Task LeaveAsync() => _left.CancelAsync();

    public void Dispose()
    {
        _left.Dispose();
        _stopped.Dispose();
    }
}
