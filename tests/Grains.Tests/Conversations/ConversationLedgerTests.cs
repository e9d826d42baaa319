using Microsoft.EntityFrameworkCore;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Conversations;

namespace Obot.Grains.Tests.Conversations;

[Collection(nameof(PostgresTests))]
public sealed class ConversationLedgerTests(Postgres postgres)
{
    private readonly SealedText _text = new(postgres.Silo.Encryption);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ConversationLedger Ledger => new(postgres.Databases, _text, TimeProvider.System);

    [Fact]
    public async Task Activation_ThatWasTakenOver_WritesNothing()
    {
        var id = await ConversationAsync();
        var older = (await Ledger.TakeOverAsync(id, Cancellation))!.Epoch;
        var younger = (await Ledger.TakeOverAsync(id, Cancellation))!.Epoch;
        Assert.True(younger > older);
        await Assert.ThrowsAsync<ConversationLostException>(() => SetModelAsync(id, older, "old"));
        await SetModelAsync(id, younger, "new");
        await using var db = await postgres.Databases.CreateDbContextAsync(Cancellation);
        Assert.Equal("new", (await db.Conversations.SingleAsync(row => row.Id == id, Cancellation)).Model);
    }

    [Fact]
    public async Task Conversation_ThatIsGone_IsNobodysToTakeOver() => Assert.Null(await Ledger.TakeOverAsync("cv1nothing", Cancellation));

    [Fact]
    public async Task Parts_AreCiphertext_AndOpenOnlyAtTheirPlace()
    {
        var id = await RunningAsync(new TextPart { Id = "pt1", Text = "a secret plan" });
        await using var db = await postgres.Databases.CreateDbContextAsync(Cancellation);
        var row = await db.ConversationParts.SingleAsync(part => part.ConversationId == id, Cancellation);
        Assert.Equal(-1, row.Content.AsSpan().IndexOf("secret"u8));
        Assert.Equal("a secret plan", Assert.IsType<TextPart>(_text.Open(id, "pt1", row.Content).Part).Text);
        Assert.ThrowsAny<Exception>(() => _text.Open(id, "pt2", row.Content));
        Assert.ThrowsAny<Exception>(() => _text.Open("cv1other", "pt1", row.Content));
    }

    [Fact]
    public async Task End_LeavesNothingOpen()
    {
        var id = await RunningAsync(
            Call("tc1", ToolCallStatus.Succeeded), Call("tc2", ToolCallStatus.NeedsApproval), Call("tc3", ToolCallStatus.Unknown),
            Question("qu1", "accept"), Question("qu2", null));
        var epoch = (await Ledger.TakeOverAsync(id, Cancellation))!.Epoch;
        await Ledger.WriteAsync(id, epoch, async (db, row) =>
        {
            await Ledger.EndAsync(db, row, MessageStatus.Stopped, null);
            return true;
        }, Cancellation);
        await using var read = await postgres.Databases.CreateDbContextAsync(Cancellation);
        var parts = (await read.ConversationParts.Where(part => part.ConversationId == id).OrderBy(part => part.Number).ToListAsync(Cancellation)).Select(part => _text.Open(id, part.Id, part.Content).Part).ToList();
        Assert.Equal([ToolCallStatus.Succeeded, ToolCallStatus.Cancelled, ToolCallStatus.Cancelled], parts.OfType<ToolCallPart>().Select(call => call.Status));
        Assert.Equal(["accept", "cancel"], parts.OfType<QuestionPart>().Select(question => question.Outcome));
        var conversation = await read.Conversations.SingleAsync(row => row.Id == id, Cancellation);
        Assert.Equal((null, nameof(RunStatus.Idle)), (conversation.RunMessageId, conversation.RunStatus));
    }

    private static ToolCallPart Call(string id, ToolCallStatus status) => new() { Id = id, ServerName = "s", Tool = "t", Arguments = "{}", Status = status };

    private static QuestionPart Question(string id, string? outcome) => new() { Id = id, Kind = "form", ServerName = "s", Message = "?", Outcome = outcome };

    private Task<bool> SetModelAsync(string id, long epoch, string model) => Ledger.WriteAsync(id, epoch, (_, row) =>
    {
        row.Model = model;
        return Task.FromResult(true);
    }, Cancellation);

    private async Task<string> RunningAsync(params MessagePart[] parts)
    {
        var id = await ConversationAsync();
        var epoch = (await Ledger.TakeOverAsync(id, Cancellation))!.Epoch;
        await Ledger.WriteAsync(id, epoch, async (db, row) =>
        {
            db.ConversationMessages.Add(new() { ConversationId = id, Id = "ms1", Number = 1, Role = nameof(MessageRole.Assistant), Status = nameof(MessageStatus.Running), CreatedAt = row.CreatedAt });
            (row.RunMessageId, row.RunStatus, row.LeafId) = ("ms1", nameof(RunStatus.Running), "ms1");
            foreach (var part in parts)
            {
                await Ledger.PutAsync(db, id, "ms1", new(1, part));
            }

            return true;
        }, Cancellation);
        return id;
    }

    private async Task<string> ConversationAsync()
    {
        var (id, now) = (RandomId.New("cv1"), TimeProvider.System.Now());
        await using var db = await postgres.Databases.CreateDbContextAsync(Cancellation);
        var project = new ProjectRow { Id = RandomId.New("pr1"), OwnerId = "u1", IsDefault = false, IsTemplate = false, Name = "p", Servers = [], CreatedAt = now, UpdatedAt = now };
        db.Projects.Add(project);
        db.Conversations.Add(new() { Id = id, ProjectId = project.Id, OwnerId = "u1", RunStatus = nameof(RunStatus.Idle), Epoch = 0, CreatedAt = now, UpdatedAt = now });
        await db.SaveChangesAsync(Cancellation);
        return id;
    }
}
