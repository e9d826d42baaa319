using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Projects;
using Obot.Grains.Conversations.Running;

namespace Obot.Grains.Conversations;

/// <summary>Table <c>conversations</c>, and the way to each conversation's grain for whoever may go it.</summary>
internal sealed class StoredConversations(
    IDbContextFactory<ObotDb> databases, IProjects projects, Branches branches, SealedText text, ConversationWatch watch, AppPages pages, IGrainFactory grains, TimeProvider time) : IConversations
{
    private const int SearchAtOnce = 500;

    public async Task<ConversationView> Create(Principal caller, NewConversation request, CancellationToken cancellationToken)
    {
        var project = request.ProjectId is { } named
            ? await projects.Find(caller, named, cancellationToken) ?? throw new InvalidInputException("projectId", $"There is no project '{named}'.")
            : await projects.Default(caller, cancellationToken);
        if (project.Access < ProjectAccess.Use)
        {
            throw new NotAllowedException("You may read this project, not hold conversations in it: ask its owner for 'use'.");
        }

        var now = time.Now();
        var row = new ConversationRow
        {
            Id = RandomId.New("cv1"),
            ProjectId = project.Id,
            OwnerId = caller.UserId,
            Model = ConversationRules.Model(request.Model),
            RunStatus = nameof(RunStatus.Idle),
            Epoch = 0,
            CreatedAt = now,
            UpdatedAt = now,
        };
        row.Title = text.SealTitle(row.Id, ConversationRules.Title(request.Title));
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        db.Conversations.Add(row);
        await db.SaveChangesAsync(cancellationToken);
        return row.View(text);
    }

    public async Task<Page<ConversationView>> List(Principal caller, string? projectId, string? search, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var words = ConversationRules.Search(search);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (projectId is not null && await projects.Find(caller, projectId, cancellationToken) is null)
        {
            return new([], null);
        }

        // titles are ciphertext: a search reads through the caller's own, some at a time
        var found = new List<ConversationView>();
        for (var position = PageCursor.Parse(cursor); ;)
        {
            var query = projectId is null ? db.Conversations.Where(row => row.OwnerId == caller.UserId) : db.Conversations.Where(row => row.ProjectId == projectId);
            if (position is { CreatedAt: var at, Id: var id })
            {
                query = query.Where(row => row.UpdatedAt < at || (row.UpdatedAt == at && string.Compare(row.Id, id) < 0));
            }

            var take = words.Length == 0 ? limit + 1 : SearchAtOnce;
            var rows = await query.AsNoTracking().OrderByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id).Take(take).ToListAsync(cancellationToken);
            foreach (var row in rows)
            {
                var view = row.View(text) with { CanWrite = row.OwnerId == caller.UserId };
                if (Array.TrueForAll(words, word => view.Title.Contains(word, StringComparison.OrdinalIgnoreCase)))
                {
                    found.Add(view);
                }

                if (found.Count > limit)
                {
                    return new(found[..limit], new PageCursor(found[limit - 1].UpdatedAt, found[limit - 1].Id).ToString());
                }
            }

            if (rows.Count < take)
            {
                return new(found, null);
            }

            position = new(rows[^1].UpdatedAt, rows[^1].Id);
        }
    }

    public async Task<ConversationView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await ConversationDoor.OpenAsync(db, caller, id, cancellationToken) is var (row, canWrite) ? row.View(text) with { CanWrite = canWrite } : null;
    }

    public async Task<ConversationView?> Update(Principal caller, string id, ConversationChange change, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await WritableAsync(db, caller, id, cancellationToken) is not { } row)
        {
            return null;
        }

        var title = change.Title is null ? row.Title : text.SealTitle(id, ConversationRules.Title(change.Title));
        var model = change.Model is null ? row.Model : ConversationRules.Model(change.Model);
        var servers = change.Servers is null ? row.Servers : ConversationRules.Servers(change.Servers);

        // the columns that are not the grain's
        await db.Conversations.Where(one => one.Id == id).ExecuteUpdateAsync(set => set.SetProperty(one => one.Title, title).SetProperty(one => one.Model, model).SetProperty(one => one.Servers, servers), cancellationToken);
        await Grain(id).Refresh();
        return await Find(caller, id, cancellationToken);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await WritableAsync(db, caller, id, cancellationToken) is null)
        {
            return false;
        }

        await db.Conversations.Where(row => row.Id == id).ExecuteDeleteAsync(cancellationToken);
        await Grain(id).Remove();
        return true;
    }

    public async Task<IReadOnlyList<MessageView>?> Messages(Principal caller, string id, string? before, int limit, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await ConversationDoor.OpenAsync(db, caller, id, cancellationToken) is not var (row, _))
        {
            return null;
        }

        var leaf = before is null
            ? row.LeafId
            : await db.ConversationMessages.Where(message => message.ConversationId == id && message.Id == before).Select(message => message.ParentId).SingleOrDefaultAsync(cancellationToken);
        return await branches.ReadAsync(db, id, leaf, limit, cancellationToken);
    }

    public async Task<MessageView?> Send(Principal caller, string id, NewMessage message, CancellationToken cancellationToken) =>
        await WritableAsync(caller, id, cancellationToken) ? Message(await Grain(id).Send(await CheckAsync(id, message, cancellationToken), caller.UserId)) : null;

    /// <exception cref="InvalidInputException">A file is not one of this conversation.</exception>
    private async Task<NewMessage> CheckAsync(string id, NewMessage message, CancellationToken cancellationToken)
    {
        var good = ConversationRules.Check(message);
        if (good.Files is { Count: > 0 } files)
        {
            await using var db = await databases.CreateDbContextAsync(cancellationToken);
            var known = await db.WorkspaceFiles.Where(row => row.ConversationId == id).Select(row => row.Id).ToListAsync(cancellationToken);
            if (files.FirstOrDefault(file => !known.Contains(file)) is { } unknown)
            {
                throw new InvalidInputException("files", $"There is no file '{unknown}' in this conversation: PUT /api/threads/{id}/files/{{path}} first.");
            }
        }

        return good;
    }

    public async Task<bool> Stop(Principal caller, string id, CancellationToken cancellationToken) =>
        await WritableAsync(caller, id, cancellationToken) && await Grain(id).Stop();

    public async Task<MessageView?> Edit(Principal caller, string id, string messageId, NewMessage message, CancellationToken cancellationToken) =>
        await WritableAsync(caller, id, cancellationToken) ? Message(await Grain(id).Edit(messageId, await CheckAsync(id, message, cancellationToken), caller.UserId)) : null;

    public async Task<bool> Regenerate(Principal caller, string id, string messageId, string? model, CancellationToken cancellationToken) =>
        await WritableAsync(caller, id, cancellationToken) && Message(await Grain(id).Regenerate(messageId, ConversationRules.Model(model))) is not null;

    public async Task<bool> Show(Principal caller, string id, string messageId, CancellationToken cancellationToken) =>
        await WritableAsync(caller, id, cancellationToken) && await Grain(id).Show(messageId);

    public async Task<bool> Decide(Principal caller, string id, string toolCallId, ToolDecision decision, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await WritableAsync(db, caller, id, cancellationToken) is not { } row)
        {
            return false;
        }

        if (decision is ToolDecision.AlwaysAllow or ToolDecision.NeverAllow
            && await db.ConversationParts.AsNoTracking().SingleOrDefaultAsync(part => part.ConversationId == id && part.Id == toolCallId, cancellationToken) is { } stored
            && text.Open(id, stored.Id, stored.Content).Part is ToolCallPart { ServerId: { } server, Tool: var tool })
        {
            await projects.SetApproval(caller, row.ProjectId, $"{server}/{tool}", decision == ToolDecision.AlwaysAllow ? "always" : "never", cancellationToken);
        }

        return await Grain(id).Decide(toolCallId, decision is ToolDecision.Allow or ToolDecision.AlwaysAllow);
    }

    public async Task<bool> Answer(Principal caller, string id, string questionId, QuestionAnswer answer, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await WritableAsync(db, caller, id, cancellationToken) is null
            || await db.ConversationParts.AsNoTracking().SingleOrDefaultAsync(part => part.ConversationId == id && part.Id == questionId, cancellationToken) is not { } stored
            || text.Open(id, stored.Id, stored.Content).Part is not QuestionPart { Outcome: null } question)
        {
            return false;
        }

        QuestionForm.Check(question, answer);
        return await Grain(id).Answer(questionId, answer);
    }

    public async Task<AppPage?> AppPage(Principal caller, string id, string toolCallId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await ConversationDoor.OpenAsync(db, caller, id, cancellationToken) is not null
            && await db.ConversationParts.AsNoTracking().SingleOrDefaultAsync(part => part.ConversationId == id && part.Id == toolCallId, cancellationToken) is { } stored
            && text.Open(id, stored.Id, stored.Content).Part is ToolCallPart { ServerId: { } server, AppUri: { } uri }
                ? await pages.ReadAsync(caller, server, uri, cancellationToken)
                : null;
    }

    public async IAsyncEnumerable<ConversationEvent> Watch(Principal caller, string id, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var item in watch.WatchAsync(id, after, token => Find(caller, id, token), cancellationToken))
        {
            yield return item;
        }
    }

    private IConversationGrain Grain(string id) => grains.GetGrain<IConversationGrain>(id);

    private static MessageView? Message(SentMessage sent) => sent.Conflict is { } conflict ? throw new ConflictException(conflict) : sent.Message;

    private async Task<bool> WritableAsync(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await WritableAsync(db, caller, id, cancellationToken) is not null;
    }

    /// <exception cref="NotAllowedException">The caller may only read it.</exception>
    private static async Task<ConversationRow?> WritableAsync(ObotDb db, Principal caller, string id, CancellationToken cancellationToken) =>
        await ConversationDoor.OpenAsync(db, caller, id, cancellationToken) switch
        {
            null => null,
            (var row, true) => row,
            _ => throw new NotAllowedException("This conversation is somebody else's: you may read it."),
        };
}
