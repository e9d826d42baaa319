using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Conversations.Running;

/// <summary>
/// Makes an answer: model, tools, model, until the model has nothing more to call. What to do next is read from the rows each time, so it does
/// not matter who did the step before. Outside of the grain's turns; writes only under the activation's epoch.
/// </summary>
internal sealed partial class ConversationRun(
    ConversationLedger ledger, Branches branches, SealedText text, RunSettings settings, RunHistory history, RunTitle title, ToolCalls tools, GatewayDoor door, IMcpServers servers,
    IOptions<ConversationOptions> options, TimeProvider time, ILogger<ConversationRun> logger)
{
    public async Task RunAsync(RunContext run)
    {
        using var ends = run.NewRun();
        try
        {
            await RunAsync(run, ends.Token);
        }
        catch (ConversationLostException)
        {
            // who took it over goes on
        }
        catch (OperationCanceledException) when (run.Left.IsCancellationRequested)
        {
        }
        catch (OperationCanceledException e) when (run.IsStopped)
        {
            await EndAsync(run, MessageStatus.Stopped, null, (e as StoppedException)?.Said);
        }
        catch (Exception e)
        {
            if (e is not RunFailure and not System.ClientModel.ClientResultException)
            {
                LogFailed(e, run.Id);
            }

            await EndAsync(run, MessageStatus.Failed, RunWords.Of(e));
        }
    }

    private async Task RunAsync(RunContext run, CancellationToken cancellationToken)
    {
        if (await StateAsync(run, cancellationToken) is not { } state)
        {
            return;
        }

        var setting = await ledger.ReadPatientlyAsync(db => settings.ReadAsync(db, state.Conversation, state.Message.Model, cancellationToken), cancellationToken);
        var step = 0;
        using var model = door.Model(setting.Caller.UserId, setting.Model);
        var questions = new RunQuestions(run, ledger, state.Message.Id, () => step, () => door.Model(setting.Caller.UserId, setting.Model), options.Value.QuestionTimeout, time);
        await using var connectors = new Connectors(door, servers, setting.Caller, questions.Handlers, time);
        await questions.CancelAsync(state.Parts, cancellationToken);
        if (state.Message.Number == RunTitle.FirstAnswer)
        {
            title.Begin(run, setting);
        }

        var offer = new ToolOffer(await connectors.ConnectAsync(setting.Servers, cancellationToken), options.Value.SearchToolsFrom);
        await NoteMissingAsync(run, state, connectors, cancellationToken);

        while (await StateAsync(run, cancellationToken) is { } now)
        {
            step = now.Parts.Where(part => part.Part is ToolCallPart or TextPart).Select(part => part.Step).DefaultIfEmpty(0).Max();
            var last = now.Parts.Where(part => part.Step == step).ToList();
            if (last.Exists(part => part.Part is ToolCallPart { Status: ToolCallStatus.Running or ToolCallStatus.NeedsApproval or ToolCallStatus.Unknown }))
            {
                if (!await tools.AdvanceAsync(run, now.Message.Id, last, offer, setting, cancellationToken))
                {
                    return;
                }

                continue;
            }

            if (step >= options.Value.MaxSteps)
            {
                throw new RunFailure($"The answer took {options.Value.MaxSteps} rounds of tool calls without coming to an end (Obot:Conversations:MaxSteps). Say 'go on' to let it try further.");
            }

            step++;
            var told = await history.BuildAsync(run, now, setting, model, cancellationToken);
            var answer = await new ModelStep(time).CallAsync(model, told, new ChatOptions { Tools = [.. offer.Declarations] }, run, now.Message.Id, cancellationToken);
            await WriteDownAsync(run, now.Message.Id, step, answer, offer, setting, cancellationToken);
        }
    }

    /// <summary>Null when there is nothing (more) to run.</summary>
    private Task<RunState?> StateAsync(RunContext run, CancellationToken cancellationToken) => ledger.ReadPatientlyAsync<RunState?>(
        async db =>
        {
            if (await db.Conversations.AsNoTracking().SingleOrDefaultAsync(row => row.Id == run.Id, cancellationToken) is not { RunMessageId: { } id } row || row.Epoch != run.Epoch || row.RunStatus != nameof(RunStatus.Running))
            {
                return null;
            }

            var message = await db.ConversationMessages.AsNoTracking().SingleAsync(one => one.ConversationId == run.Id && one.Id == id, cancellationToken);
            return new(row, message, [.. (await branches.PartsAsync(db, run.Id, [id], cancellationToken))[id]]);
        },
        cancellationToken);

    /// <summary>What the model said, in one transaction: its words, its wishes, and the end where it wishes nothing.</summary>
    private async Task WriteDownAsync(RunContext run, string messageId, int step, ModelAnswer answer, ToolOffer offer, RunSetting setting, CancellationToken cancellationToken)
    {
        List<StoredPart> parts = [.. answer.Calls.Select(call => tools.Wish(offer, setting.Approvals, step, call.Id, call.Name, call.Arguments))];
        if (answer.Text.Length > 0 || parts.Count == 0)
        {
            parts.Insert(0, new(step, new TextPart { Id = answer.TextId, Text = answer.Text }));
        }

        var (message, conversation) = await ledger.WritePatientlyAsync(run.Id, run.Epoch, async (db, row) =>
        {
            var written = await db.ConversationMessages.SingleAsync(one => one.ConversationId == run.Id && one.Id == messageId, cancellationToken);
            written.Model = setting.Model;
            written.InputTokens += answer.InputTokens;
            written.OutputTokens += answer.OutputTokens;
            written.SavedTokens += offer.SavedTokens;
            foreach (var part in parts)
            {
                await ledger.PutAsync(db, run.Id, messageId, part);
            }

            if (answer.Calls.Count == 0)
            {
                await ledger.EndAsync(db, row, MessageStatus.Complete, null);
            }

            return (written, row);
        }, cancellationToken);
        if (answer.Calls.Count == 0)
        {
            await ShowEndAsync(run, message, conversation);
        }
        else
        {
            parts.ForEach(part => run.Feed.Put(messageId, part.Part));
        }
    }

    private async Task NoteMissingAsync(RunContext run, RunState state, Connectors connectors, CancellationToken cancellationToken)
    {
        foreach (var (server, why) in connectors.Missing)
        {
            var id = $"missing-{state.Message.Id}-{server}";
            if (!state.Parts.Any(part => part.Part.Id == id))
            {
                await tools.PutAsync(run, state.Message.Id, new(0, new NoticePart { Id = id, Text = why }), cancellationToken);
            }
        }
    }

    /// <param name="said">Words of the step in hand, which nobody has written down yet.</param>
    private async Task EndAsync(RunContext run, MessageStatus status, string? error, TextPart? said = null)
    {
        try
        {
            var (message, conversation) = await ledger.WritePatientlyAsync(run.Id, run.Epoch, async (db, row) =>
            {
                var written = row.RunMessageId is { } id ? await db.ConversationMessages.SingleAsync(one => one.ConversationId == run.Id && one.Id == id) : null;
                if (written is not null && said is not null)
                {
                    var step = (await branches.PartsAsync(db, run.Id, [written.Id], run.Left))[written.Id].Select(part => part.Step).DefaultIfEmpty(0).Max() + 1;
                    await ledger.PutAsync(db, run.Id, written.Id, new(step, said));
                }

                await ledger.EndAsync(db, row, status, error);
                return (written, row);
            }, run.Left);
            await ShowEndAsync(run, message, conversation);
        }
        catch (Exception e)
        {
            // the row still says that it runs: the next activation does
            LogFailed(e, run.Id);
        }
    }

    private async Task ShowEndAsync(RunContext run, ConversationMessageRow? message, ConversationRow conversation)
    {
        if (message is not null)
        {
            GrainsInstruments.RunEnded(message.Status);
            var view = await ledger.ReadPatientlyAsync(db => branches.ReadAsync(db, run.Id, message.Id, 1, run.Left), run.Left);
            view.ForEach(run.Feed.Put);
        }

        run.Feed.Put(conversation.View(text));
    }

    [LoggerMessage(LogLevel.Error, "The run of conversation {Conversation} ended by an error")]
    private partial void LogFailed(Exception exception, string conversation);
}

/// <summary>How far an answer is.</summary>
internal sealed record RunState(ConversationRow Conversation, ConversationMessageRow Message, IReadOnlyList<StoredPart> Parts);
