using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Files;
using Obot.Grains.Files;

namespace Obot.Grains.Conversations.Running;

/// <summary>
/// What a model is told: the branch behind the last summary. Where that is more than fits, what is older is summarized by the model first,
/// and the summary kept with the message that it reaches to.
/// </summary>
internal sealed class RunHistory(ConversationLedger ledger, Branches branches, SealedText text, ToolCalls tools, IWorkspaceFiles files, IOptions<ConversationOptions> options)
{
    private const int MostMessages = 2000;
    private const int ShortResult = 500;
    private const int MostPictures = 8;
    private const long MostPictureBytes = 5 * 1024 * 1024;
    private const string Ask = "Summarize the conversation so far for the assistant that goes on with it: what the person wants, what was found out (names, numbers, ids literally), what was decided, what is open. At most 600 words.";

    public async Task<List<ChatMessage>> BuildAsync(RunContext run, RunState state, RunSetting setting, IChatClient model, CancellationToken cancellationToken)
    {
        var (summary, turns) = await ReadAsync(run, state, cancellationToken);
        if (Size(turns) > options.Value.MaxContextTokens && turns.Count > 2)
        {
            await SummarizeAsync(run, state, setting, model, summary, turns, cancellationToken);
            (summary, turns) = await ReadAsync(run, state, cancellationToken);
        }

        var most = Size(turns) > options.Value.MaxContextTokens ? ShortResult : options.Value.MaxResultCharactersToModel;
        List<ChatMessage> told = [History.System(setting.Instructions)];
        if (summary is not null)
        {
            told.Add(History.Summary(summary));
        }

        var shown = turns.SelectMany(turn => turn.Parts).Select(part => part.Part).OfType<FilePart>().Where(file => FileTypes.IsPicture(file.ContentType) && file.Size <= MostPictureBytes).TakeLast(MostPictures).ToHashSet();
        foreach (var turn in turns)
        {
            told.AddRange(History.Of(turn.Role, turn.Parts, most));
            foreach (var picture in turn.Parts.Select(part => part.Part).OfType<FilePart>().Where(shown.Contains))
            {
                await ShowAsync(told[^1], run.Id, setting, picture, cancellationToken);
            }
        }

        return told;
    }

    /// <summary>A picture that is not there any more is only named.</summary>
    private async Task ShowAsync(ChatMessage message, string threadId, RunSetting setting, FilePart picture, CancellationToken cancellationToken)
    {
        try
        {
            await using var open = await files.Open(setting.Caller, FileScope.Thread(threadId), picture.Name, cancellationToken);
            if (open is { File: { Size: <= MostPictureBytes } file } && file.ContentType == picture.ContentType)
            {
                using var bytes = new MemoryStream((int)file.Size);
                await open.Content.CopyToAsync(bytes, cancellationToken);
                message.Contents.Add(new DataContent(bytes.ToArray(), file.ContentType));
            }
        }
        catch (StorageUnavailableException e)
        {
            throw new RunFailure($"{picture.Name}: {e.Message}");
        }
    }

    private async Task<(string? Summary, List<Turn> Turns)> ReadAsync(RunContext run, RunState state, CancellationToken cancellationToken) => await ledger.ReadPatientlyAsync(
        async db =>
        {
            var rows = await branches.RowsAsync(db, run.Id, state.Message.Id, MostMessages, cancellationToken);
            var from = rows.FindLastIndex(row => row.Summary is not null);
            var parts = await branches.PartsAsync(db, run.Id, [.. rows.Skip(from + 1).Select(row => row.Id)], cancellationToken);
            var summary = from < 0 ? null : text.OpenSummary(run.Id, rows[from].Id, rows[from].Summary);
            return (summary, rows.Skip(from + 1).Select(row => new Turn(row.Id, Enum.Parse<MessageRole>(row.Role), [.. parts[row.Id]])).ToList());
        },
        cancellationToken);

    /// <summary>Older turns become a summary; the newest, two fifths of what fits, stay as they are.</summary>
    private async Task SummarizeAsync(RunContext run, RunState state, RunSetting setting, IChatClient model, string? before, List<Turn> turns, CancellationToken cancellationToken)
    {
        var (cut, kept) = (turns.Count - 1, 0);
        while (cut > 1 && kept + Size(turns[cut - 1]) < options.Value.MaxContextTokens * 2 / 5)
        {
            kept += Size(turns[--cut]);
        }

        List<ChatMessage> told = [History.System(setting.Instructions)];
        if (before is not null)
        {
            told.Add(History.Summary(before));
        }

        told.AddRange(turns.Take(cut).SelectMany(turn => History.Of(turn.Role, turn.Parts, ShortResult)));
        told.Add(new(ChatRole.User, Ask));
        var summary = (await model.GetResponseAsync(told, cancellationToken: cancellationToken)).Text;
        var last = turns[cut - 1].Id;
        await ledger.WritePatientlyAsync(run.Id, run.Epoch, async (db, _) =>
        {
            var row = await db.ConversationMessages.SingleAsync(one => one.ConversationId == run.Id && one.Id == last, cancellationToken);
            row.Summary = text.SealSummary(run.Id, last, summary);
            return true;
        }, cancellationToken);
        await tools.PutAsync(run, state.Message.Id, new(0, new NoticePart { Id = RandomId.New("no1"), Text = $"The model is told a summary of the first {cut} messages; all of them stay here." }), cancellationToken);
    }

    private int Size(IEnumerable<Turn> turns) => turns.Sum(Size);

    private int Size(Turn turn) => History.Of(turn.Role, turn.Parts, options.Value.MaxResultCharactersToModel).Sum(message => message.Tokens());

    private sealed record Turn(string Id, MessageRole Role, IReadOnlyList<StoredPart> Parts);
}
