using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations;

/// <summary>Reads messages along a branch of a conversation's tree, newest first in the database, oldest first for whoever asks.</summary>
internal sealed class Branches(SealedText text)
{
    /// <summary>The messages that end in <paramref name="leaf"/>, with that one.</summary>
    public async Task<List<MessageView>> ReadAsync(ObotDb db, string conversation, string? leaf, int limit, CancellationToken cancellationToken)
    {
        var rows = await RowsAsync(db, conversation, leaf, limit, cancellationToken);
        var parts = await PartsAsync(db, conversation, [.. rows.Select(row => row.Id)], cancellationToken);
        var siblings = await SiblingsAsync(db, conversation, rows, cancellationToken);
        return [.. rows.Select(row => row.View([.. parts[row.Id].Select(part => part.Part)], siblings[row.ParentId ?? ""].ToList() is { Count: > 0 } all ? all : [row.Id]))];
    }

    public async Task<List<ConversationMessageRow>> RowsAsync(ObotDb db, string conversation, string? leaf, int limit, CancellationToken cancellationToken)
    {
        if (leaf is null)
        {
            return [];
        }

        var rows = await db.ConversationMessages.FromSql($"""
            WITH RECURSIVE branch AS (
                SELECT message.*, 1 AS depth FROM conversation_messages message WHERE conversation_id = {conversation} AND id = {leaf}
                UNION ALL
                SELECT message.*, branch.depth + 1 FROM conversation_messages message JOIN branch ON message.conversation_id = branch.conversation_id AND message.id = branch.parent_id
                WHERE branch.depth < {limit})
            SELECT * FROM branch
            """).AsNoTracking().ToListAsync(cancellationToken);
        rows.Sort((a, b) => a.Number.CompareTo(b.Number));
        return rows;
    }

    public async Task<ILookup<string, StoredPart>> PartsAsync(ObotDb db, string conversation, string[] messages, CancellationToken cancellationToken)
    {
        var rows = await db.ConversationParts.AsNoTracking().Where(row => row.ConversationId == conversation && messages.Contains(row.MessageId))
            .OrderBy(row => row.Number).ToListAsync(cancellationToken);
        return rows.ToLookup(row => row.MessageId, row => text.Open(conversation, row.Id, row.Content), StringComparer.Ordinal);
    }

    /// <summary>The newest message below one, however deep.</summary>
    public async Task<string?> LeafAsync(ObotDb db, string conversation, string message, CancellationToken cancellationToken)
    {
        var tree = await db.ConversationMessages.AsNoTracking().Where(row => row.ConversationId == conversation)
            .Select(row => new { row.Id, row.ParentId, row.Number }).ToListAsync(cancellationToken);
        if (tree.TrueForAll(one => one.Id != message))
        {
            return null;
        }

        var children = tree.Where(one => one.ParentId is not null).ToLookup(one => one.ParentId!, StringComparer.Ordinal);
        var leaf = message;
        while (children[leaf].MaxBy(one => one.Number) is { } child)
        {
            leaf = child.Id;
        }

        return leaf;
    }

    private static async Task<ILookup<string, string>> SiblingsAsync(ObotDb db, string conversation, List<ConversationMessageRow> rows, CancellationToken cancellationToken)
    {
        string[] parents = [.. rows.Select(row => row.ParentId).OfType<string>()];
        var withFirst = rows.Exists(row => row.ParentId is null);
        var siblings = await db.ConversationMessages.AsNoTracking()
            .Where(row => row.ConversationId == conversation && ((row.ParentId == null && withFirst) || (row.ParentId != null && parents.Contains(row.ParentId))))
            .OrderBy(row => row.Number).Select(row => new { row.Id, row.ParentId }).ToListAsync(cancellationToken);
        return siblings.ToLookup(one => one.ParentId ?? "", one => one.Id, StringComparer.Ordinal);
    }
}
