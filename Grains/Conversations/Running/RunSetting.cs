using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Conversations.Running;

/// <summary>Everything around a run that is read once: whose it is, which model, which servers, which approvals.</summary>
/// <param name="Approvals">Tool → <c>always</c> or <c>never</c>.</param>
internal sealed record RunSetting(Principal Caller, string ProjectId, string Model, string? Instructions, IReadOnlyList<string> Servers, IReadOnlyDictionary<string, string> Approvals);

internal sealed class RunSettings(IUserDirectory users, ILlmDirectory models, SealedText text, IOptions<ConversationOptions> options)
{
    /// <exception cref="RunFailure">Nobody can answer.</exception>
    public async Task<RunSetting> ReadAsync(ObotDb db, ConversationRow conversation, string? asked, CancellationToken cancellationToken)
    {
        var project = await db.Projects.AsNoTracking().SingleAsync(row => row.Id == conversation.ProjectId, cancellationToken);
        var caller = await users.Find(conversation.OwnerId, cancellationToken) is { } user
            ? user.As($"{GatewayDoor.Part}:{user.UserId}", [Scopes.Mcp, Scopes.Llm])
            : throw new RunFailure("Your account is switched off, or was removed.");
        var approvals = await db.ToolApprovals.AsNoTracking().Where(row => row.ProjectId == project.Id && row.UserId == conversation.OwnerId)
            .ToDictionaryAsync(row => row.Tool, row => row.Approval, StringComparer.Ordinal, cancellationToken);
        return new(
            caller,
            project.Id,
            await ModelAsync(caller, asked ?? conversation.Model ?? project.Model, cancellationToken),
            text.OpenInstructions(project.Id, project.Instructions),
            conversation.Servers ?? project.Servers,
            approvals);
    }

    /// <summary>What was asked for as it is: the gateway says what is wrong with it. Without a word, the default alias, else the first model there is.</summary>
    private async Task<string> ModelAsync(Principal caller, string? asked, CancellationToken cancellationToken)
    {
        if (asked is not null)
        {
            return asked;
        }

        var visible = (await models.Visible(caller, cancellationToken)).Where(model => model.Usage is ModelUsages.Chat or ModelUsages.Vision or "").ToList();
        return visible.Find(model => model.Name == options.Value.DefaultModel)?.Name ?? visible.FirstOrDefault()?.Name
            ?? throw new RunFailure(caller.Role >= Role.Admin
                ? "There is no model yet that you may use. Add a provider under Models in the console, and let a model access policy open it to you."
                : "There is no model yet that you may use. Ask an administrator to add a model provider and to open it to you by a model access policy.");
    }
}
