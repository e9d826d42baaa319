using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Projects;
using Obot.Grains.Projects;

namespace Obot.Grains.Conversations;

/// <summary>Who may see and who may write a conversation: its owner both, as long as the project lets them; others of the project see it.</summary>
internal static class ConversationDoor
{
    /// <summary>Null where it is not there, or not for the caller.</summary>
    public static async Task<(ConversationRow Row, bool CanWrite)?> OpenAsync(ObotDb db, Principal caller, string id, CancellationToken cancellationToken)
    {
        if (await db.Conversations.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } conversation)
        {
            return null;
        }

        var project = await db.Projects.AsNoTracking().SingleAsync(row => row.Id == conversation.ProjectId, cancellationToken);
        return await ProjectDoor.AccessAsync(db, caller, project, cancellationToken) is { } access
            ? (conversation, conversation.OwnerId == caller.UserId && access >= ProjectAccess.Use)
            : null;
    }
}
