using System.Text.Json;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Changes;

/// <summary>
/// Port: who changed what. Administrators read all of it; others the changes of servers that they made.
/// </summary>
public interface IChangeLog
{
    /// <summary>Newest first.</summary>
    /// <param name="limit">1 … 500.</param>
    /// <exception cref="NotAllowedException">The caller may not read these changes.</exception>
    Task<Page<ChangeView>> List(Principal caller, ChangeQuery query, int limit, string? cursor, CancellationToken cancellationToken);
}

/// <summary>What changes are written down of, as the management API names its collections.</summary>
public static class ChangeKinds
{
    public static IReadOnlyList<string> All { get; } =
    [
        "mcp-servers", "mcp-catalogs", "mcp-catalog-entries", "access-control-rules", "mcp-webhook-validations", "users", "groups", "api-keys", "auth-providers",
        "model-providers", "models", "default-model-aliases", "model-access-policies", "llm-budgets", "message-policies",
        "projects", "tasks", "audit-log-exports", "scheduled-audit-log-exports", "storage-credentials",
    ];
}

/// <param name="Kind">Collection of the management API, e.g. <c>mcp-servers</c>; null for all.</param>
/// <param name="SubjectId">Id of the thing.</param>
/// <param name="UserId">Who did it.</param>
public sealed record ChangeQuery(string? Kind = null, string? SubjectId = null, string? UserId = null);

/// <param name="UserId">A user's id; <c>sync</c> for what a catalog's synchronization did.</param>
/// <param name="UserName">Null when the user is gone, or none.</param>
/// <param name="Action"><c>create</c>, <c>update</c>, <c>delete</c>, or what was done.</param>
/// <param name="Details">What of it; never anything secret.</param>
public sealed record ChangeView(string Id, DateTimeOffset At, string UserId, string? UserName, string Kind, string SubjectId, string SubjectName, string Action, JsonElement? Details);
