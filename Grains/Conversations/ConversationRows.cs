using Obot.Data.Tables;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations;

/// <summary>From rows to what people see.</summary>
internal static class ConversationRows
{
    public static ConversationView View(this ConversationRow row, SealedText text) => new()
    {
        Id = row.Id,
        ProjectId = row.ProjectId,
        OwnerId = row.OwnerId,
        Title = text.OpenTitle(row.Id, row.Title),
        Model = row.Model,
        Run = Enum.Parse<RunStatus>(row.RunStatus),
        Servers = row.Servers,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
    };

    public static MessageView View(this ConversationMessageRow row, IReadOnlyList<MessagePart> parts, IReadOnlyList<string> siblings) => new()
    {
        Id = row.Id,
        ParentId = row.ParentId,
        Role = Enum.Parse<MessageRole>(row.Role),
        Parts = parts,
        Status = Enum.Parse<MessageStatus>(row.Status),
        Error = row.Error,
        Model = row.Model,
        Usage = row.InputTokens + row.OutputTokens == 0 ? null : new(row.InputTokens, row.OutputTokens, row.SavedTokens),
        AuthorId = row.AuthorId,
        Siblings = siblings,
        CreatedAt = row.CreatedAt,
    };
}
