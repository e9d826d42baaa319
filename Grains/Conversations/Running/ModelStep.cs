using System.ClientModel;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations.Running;

/// <param name="Calls">Id, name and arguments (JSON) of the tool calls that the model wishes.</param>
internal sealed record ModelAnswer(string TextId, string Text, IReadOnlyList<(string Id, string Name, string Arguments)> Calls, long InputTokens, long OutputTokens);

/// <summary>One call of a model: its words go to those who watch as they come. A stream that breaks is begun anew.</summary>
internal sealed class ModelStep(TimeProvider time)
{
    private const int Attempts = 4;

    /// <summary>Words that come within this time travel together.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(40);

    public async Task<ModelAnswer> CallAsync(IChatClient client, IList<ChatMessage> messages, ChatOptions options, RunContext run, string messageId, CancellationToken cancellationToken)
    {
        var textId = RandomId.New("pt1");
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await StreamAsync(client, messages, options, run, messageId, textId, cancellationToken);
            }
            catch (Exception e) when (attempt < Attempts && IsPassing(e) && !cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500) * Math.Pow(2, attempt), time, cancellationToken);
            }
        }
    }

    private async Task<ModelAnswer> StreamAsync(IChatClient client, IList<ChatMessage> messages, ChatOptions options, RunContext run, string messageId, string textId, CancellationToken cancellationToken)
    {
        var (text, waiting, calls) = (new StringBuilder(), new StringBuilder(), new List<(string, string, string)>());
        var (isShown, told, isEnded) = (false, 0L, false);
        long input = 0, output = 0;
        try
        {
            await foreach (var update in client.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                isEnded |= update.FinishReason is not null;
                foreach (var content in update.Contents)
                {
                    switch (content)
                    {
                        case TextContent { Text.Length: > 0 } words:
                            if (!isShown)
                            {
                                // also empties what an attempt before this one had said
                                run.Feed.Put(messageId, new TextPart { Id = textId, Text = "" });
                                isShown = true;
                            }

                            text.Append(words.Text);
                            waiting.Append(words.Text);
                            break;
                        case FunctionCallContent call:
                            // an id of our own: those of some models repeat from call to call
                            calls.Add((RandomId.New("tc1"), call.Name, Arguments(call)));
                            break;
                        case UsageContent usage:
                            input += usage.Details.InputTokenCount ?? 0;
                            output += usage.Details.OutputTokenCount ?? 0;
                            break;
                    }
                }

                if (waiting.Length > 0 && time.GetElapsedTime(told) >= Together)
                {
                    run.Feed.Append(messageId, textId, waiting.ToString());
                    waiting.Clear();
                    told = time.GetTimestamp();
                }
            }
        }
        catch (OperationCanceledException) when (run.IsStopped && text.Length > 0)
        {
            throw new StoppedException(new TextPart { Id = textId, Text = text.ToString() });
        }

        if (waiting.Length > 0)
        {
            run.Feed.Append(messageId, textId, waiting.ToString());
        }

        return isEnded ? new(textId, text.ToString(), calls, input, output) : throw new IOException("The model's answer broke off.");
    }

    private static string Arguments(FunctionCallContent call) =>
        call.Exception is not null ? "" : JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(StringComparer.Ordinal));

    private static bool IsPassing(Exception e) =>
        e is HttpRequestException or IOException or TimeoutException or ClientResultException { Status: 0 or 502 or 503 or 504 } || e.InnerException is { } inner && IsPassing(inner);
}

/// <summary>A person stopped the model: what it had said until then.</summary>
internal sealed class StoppedException(TextPart said) : OperationCanceledException
{
    public TextPart Said => said;
}
