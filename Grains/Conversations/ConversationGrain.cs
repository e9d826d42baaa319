using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Conversations.Running;

namespace Obot.Grains.Conversations;

[GrainType("conversation")]
internal sealed partial class ConversationGrain(
    ConversationLedger ledger, Branches branches, SealedText text, ConversationRun run, IDbContextFactory<ObotDb> databases, TimeProvider time) : Grain, IConversationGrain, IRemindable, IDisposable
{
    private const string ReminderName = "run";
    private const int SnapshotMessages = 100;
    private const string Busy = "An answer is being made: wait for it, decide what it asks, or stop it first.";
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan KeepFor = TimeSpan.FromMinutes(5);

    private RunContext? _context;
    private Task _running = Task.CompletedTask;
    private bool _isReminded;

    private string Id => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (await ledger.TakeOverAsync(Id, cancellationToken) is { } row)
        {
            _context = new(Id, row.Epoch, new(row.Epoch));
            if (row.RunStatus == nameof(RunStatus.Running))
            {
                Begin();
            }
        }
    }

    public async Task<SentMessage> Send(NewMessage message, string authorId) => await BeginAsync(async (db, row) =>
    {
        row.Title ??= text.SealTitle(row.Id, ConversationTitle.Of(message.Text));
        return await AddAsync(db, row, row.LeafId, message, authorId);
    });

    public async Task<SentMessage> Edit(string messageId, NewMessage message, string authorId)
    {
        var sent = await BeginAsync(async (db, row) =>
            await FindAsync(db, messageId, MessageRole.User) is { } edited ? await AddAsync(db, row, edited.ParentId, message, authorId) : null);
        await ShowAllAsync();
        return sent;
    }

    public async Task<SentMessage> Regenerate(string messageId, string? model)
    {
        var sent = await BeginAsync(async (db, row) =>
        {
            if (await FindAsync(db, messageId, MessageRole.Assistant) is not { } answer)
            {
                return null;
            }

            var another = New(row, answer.ParentId, await NextNumberAsync(db), MessageRole.Assistant, model);
            db.ConversationMessages.Add(another);
            (row.LeafId, row.RunMessageId) = (another.Id, another.Id);
            return [another.View([], [another.Id])];
        });
        await ShowAllAsync();
        return sent;
    }

    public async Task<bool> Show(string messageId)
    {
        if (_context is not { } context)
        {
            return false;
        }

        var shown = await ledger.WriteAsync(Id, context.Epoch, async (db, row) =>
        {
            if (row.RunMessageId is not null || await branches.LeafAsync(db, Id, messageId, CancellationToken.None) is not { } leaf)
            {
                return false;
            }

            row.LeafId = leaf;
            return true;
        }, CancellationToken.None);
        if (shown)
        {
            await ShowAllAsync();
        }

        return shown;
    }

    public async Task<bool> Stop()
    {
        if (_context is not { } context)
        {
            return false;
        }

        if (!_running.IsCompleted)
        {
            await context.StopAsync();
            return true;
        }

        var stopped = await ledger.WriteAsync(Id, context.Epoch, async (db, row) =>
        {
            var isRunning = row.RunMessageId is not null;
            await ledger.EndAsync(db, row, MessageStatus.Stopped, null);
            return isRunning;
        }, CancellationToken.None);
        await ShowAllAsync();
        return stopped;
    }

    public async Task Refresh()
    {
        if (_context is { } context)
        {
            await using var db = await databases.CreateDbContextAsync();
            if (await db.Conversations.AsNoTracking().SingleOrDefaultAsync(row => row.Id == Id) is { } row)
            {
                context.Feed.Put(row.View(text));
            }
        }
    }

    public async Task Remove()
    {
        if (_context is { } context)
        {
            context.Feed.Removed();
            await context.LeaveAsync();
        }

        await ForgetReminderAsync();
        DeactivateOnIdle();
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (_context is null || _running.IsCompleted)
        {
            await ForgetReminderAsync();
        }
        else
        {
            DelayDeactivation(KeepFor);
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_context is { } context)
        {
            await context.LeaveAsync();
        }

        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    public void Dispose() => _context?.Dispose();

    /// <summary>Writes down what begins a run, then lets it begin.</summary>
    private async Task<SentMessage> BeginAsync(Func<ObotDb, ConversationRow, Task<IReadOnlyList<MessageView>?>> write)
    {
        if (_context is not { } context)
        {
            return SentMessage.None;
        }

        await RemindAsync();
        var (messages, view) = await ledger.WriteAsync<(IReadOnlyList<MessageView>?, ConversationView?)>(Id, context.Epoch, async (db, row) =>
        {
            if (row.RunMessageId is not null)
            {
                return ([], null);
            }

            if (await write(db, row) is not { } messages)
            {
                return (null, null);
            }

            (row.RunStatus, row.UpdatedAt) = (nameof(RunStatus.Running), time.Now());
            return (messages, row.View(text));
        }, CancellationToken.None);
        if (messages is not { Count: > 0 } || view is null)
        {
            return messages is null ? SentMessage.None : new(null, Busy);
        }

        foreach (var message in messages)
        {
            context.Feed.Put(message);
        }

        context.Feed.Put(view);
        Begin();
        return new(messages[0], null);
    }

    private async Task<IReadOnlyList<MessageView>?> AddAsync(ObotDb db, ConversationRow row, string? parent, NewMessage message, string authorId)
    {
        var number = await NextNumberAsync(db);
        var said = New(row, parent, number, MessageRole.User, null);
        said.AuthorId = authorId;
        var answer = New(row, said.Id, number + 1, MessageRole.Assistant, message.Model);
        db.ConversationMessages.AddRange(said, answer);
        var words = new TextPart { Id = RandomId.New("pt1"), Text = message.Text };
        var wanted = message.Files?.ToArray() ?? [];
        List<MessagePart> parts =
        [
            .. (await db.WorkspaceFiles.AsNoTracking().Where(file => file.ConversationId == Id && wanted.Contains(file.Id)).OrderBy(file => file.CreatedAt).ToListAsync())
                .Select(file => new FilePart { Id = RandomId.New("pt1"), FileId = file.Id, Name = file.Path, ContentType = file.ContentType, Size = file.Size }),
            words,
        ];
        foreach (var part in parts)
        {
            await ledger.PutAsync(db, Id, said.Id, new(0, part));
        }

        (row.LeafId, row.RunMessageId) = (answer.Id, answer.Id);
        return [said.View(parts, [said.Id]), answer.View([], [answer.Id])];
    }

    private ConversationMessageRow New(ConversationRow row, string? parent, long number, MessageRole role, string? model) => new()
    {
        ConversationId = row.Id,
        Id = RandomId.New("ms1"),
        ParentId = parent,
        Number = number,
        Role = role.ToString(),
        Status = (role == MessageRole.User ? MessageStatus.Complete : MessageStatus.Running).ToString(),
        Model = model,
        CreatedAt = time.Now(),
    };

    private async Task<long> NextNumberAsync(ObotDb db) => await db.ConversationMessages.Where(row => row.ConversationId == Id).MaxAsync(row => (long?)row.Number) + 1 ?? 0;

    private async Task<ConversationMessageRow?> FindAsync(ObotDb db, string messageId, MessageRole role) =>
        await db.ConversationMessages.AsNoTracking().SingleOrDefaultAsync(row => row.ConversationId == Id && row.Id == messageId && row.Role == role.ToString());

    private void Begin()
    {
        var (context, before) = (_context!, _running);
        DelayDeactivation(KeepFor);
        _running = Task.Run(async () =>
        {
            await before;
            await run.RunAsync(context);
        });
    }

    private async Task RemindAsync()
    {
        if (!_isReminded)
        {
            await this.RegisterOrUpdateReminder(ReminderName, LookAgain, LookAgain);
            _isReminded = true;
        }
    }

    private async Task ForgetReminderAsync()
    {
        _isReminded = false;
        if (await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }
}
