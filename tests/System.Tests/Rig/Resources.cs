namespace Obot.SystemTests.Rig;

/// <summary>A server as <c>/api/mcp-servers</c> answers it.</summary>
internal sealed record McpServer(string Id, Uri? ConnectURL, string? DeploymentStatus, string? DeploymentReason, IReadOnlyList<string>? MissingRequiredEnvVars = null);

/// <summary>What <c>/api/mcp-servers/{id}/details</c> answers.</summary>
internal sealed record ServerDetails(
    string DeploymentStatus,
    string? DeploymentReason,
    long Generation,
    Uri? GuardURL,
    IReadOnlyList<ServerProcess>? Processes,
    string? Host,
    DateTimeOffset? StartedAt,
    DateTimeOffset? LastActivity,
    int Restarts,
    int Failures = 0,
    DateTimeOffset? RetryAt = null,
    long Revision = 0,
    bool NeedsUpdate = false,
    IReadOnlyList<FieldChange>? Diff = null)
{
    public bool IsRunning => string.Equals(DeploymentStatus, "Running", StringComparison.Ordinal);

    public bool IsStopped => string.Equals(DeploymentStatus, "Stopped", StringComparison.Ordinal);

    public int Pid(string role) => Processes?.FirstOrDefault(process => string.Equals(process.Role, role, StringComparison.Ordinal))?.Pid
        ?? throw new InvalidOperationException($"no {role} among the processes of {this}");
}

internal sealed record FieldChange(string Field, string? Running, string? Declared);

/// <param name="Role"><c>guard</c> or <c>bridge</c>.</param>
internal sealed record ServerProcess(string Role, int Pid);

internal sealed record ApiKey(string Id, string Name, string Key);
