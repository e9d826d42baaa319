using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Obot.Shim.Guard.Forwarding;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Exchange.Links;

/// <summary>
/// Asks the person behind a legacy session to open a link (<c>elicitation/create</c> on the stream of the call that needs it) and waits until there
/// are credentials. Calls of the same session that come meanwhile wait with it; who says no is not asked again for a while.
/// </summary>
internal sealed class LinkQuestions(ExchangedCredentials credentials, TimeProvider time)
{
    /// <summary>As long as the cluster takes the assertion of a call that waits.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private const int MaxDeclined = 10_000;
    private static readonly TimeSpan NotAgainFor = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan KeepAliveEvery = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Question> questions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> declined = new(StringComparer.Ordinal);

    public bool MayAsk(GuardCall call) => !(declined.TryGetValue(call.Session!.Name, out var at) && time.GetElapsedTime(at) < NotAgainFor);

    /// <summary>Null when there are none in time, or the person said no.</summary>
    public async Task<Exchanged?> AskAsync(GuardCall call, EventAnswer events, ExchangeRefusal refusal, ulong denied)
    {
        var name = call.Session!.Name;
        var mine = new Question($"obot-link-{Guid.NewGuid():N}");
        var question = questions.GetOrAdd(name, mine);
        if (!ReferenceEquals(question, mine))
        {
            return await events.KeepAliveAsync(question.Outcome.Task, KeepAliveEvery, time);
        }

        Exchanged? found = null;
        try
        {
            await events.WriteAsync(LinkMessages.Question(mine.Id, refusal.Uri!, refusal.Description));
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Context.RequestAborted);
            limit.CancelAfter(Patience);
            found = await events.KeepAliveAsync(WaitAsync(call, mine, denied, limit.Token), KeepAliveEvery, time);
            if (found is not null)
            {
                await events.WriteAsync(LinkMessages.Complete(mine.Id));
            }

            return found;
        }
        finally
        {
            questions.TryRemove(new(name, mine));
            mine.Outcome.TrySetResult(found);
        }
    }

    /// <summary>Is it the answer to a question of ours? Then it goes no further.</summary>
    public bool Takes(GuardCall call, ReadOnlyMemory<byte>? body)
    {
        if (call.Envelope.Kind is not EnvelopeKind.Response || call.Session is not { } session || !questions.TryGetValue(session.Name, out var question)
            || Encoding.UTF8.GetString(call.Id.Span) != $"\"{question.Id}\"" || body is not { } message)
        {
            return false;
        }

        using var document = JsonDocument.Parse(message);
        var accepted = ClientLinks.Find(document.RootElement, "result") is { } result && ClientLinks.Find(result, "action") is { ValueKind: JsonValueKind.String } action && action.ValueEquals("accept"u8);
        if (!accepted)
        {
            if (declined.Count >= MaxDeclined)
            {
                declined.Clear();
            }

            declined[session.Name] = time.GetTimestamp();
        }

        question.Accepted.TrySetResult(accepted);
        return true;
    }

    private async Task<Exchanged?> WaitAsync(GuardCall call, Question question, ulong denied, CancellationToken cancellationToken)
    {
        try
        {
            return await question.Accepted.Task.WaitAsync(cancellationToken)
                ? await credentials.WaitAsync(call, denied, cancellationToken)
                : null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private sealed class Question(string id)
    {
        public string Id { get; } = id;

        public TaskCompletionSource<bool> Accepted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<Exchanged?> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
