using System.Text.Json;
using System.Text.Json.Serialization;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Management;

/// <summary>Body of <c>POST /api/mcp-servers</c> and <c>PUT /api/mcp-servers/{id}</c>.</summary>
internal sealed record NewServerBody
{
    public ServerManifest? Manifest { get; init; }

    /// <summary>In place of a manifest.</summary>
    public string? CatalogEntryID { get; init; }
}

/// <summary>A server, and the caller's instance of it.</summary>
internal sealed record ServerBody
{
    public required string Id { get; init; }

    /// <summary>Where MCP clients connect.</summary>
    public required string ConnectURL { get; init; }
    public required ServerManifest Manifest { get; init; }
    public required string OwnerID { get; init; }

    /// <summary>Entry that it was made from.</summary>
    public string? CatalogEntryID { get; init; }
    public string? CatalogID { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required bool Configured { get; init; }
    public required IReadOnlyList<string> MissingRequiredEnvVars { get; init; }

    /// <summary><c>Stopped</c> · <c>Starting</c> · <c>Running</c> · <c>Unhealthy</c> · <c>Failed</c>.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<DeploymentStatus>))]
    public required DeploymentStatus DeploymentStatus { get; init; }
    public string? DeploymentReason { get; init; }

    /// <summary>What runs was made from another revision; <c>details</c> says what differs.</summary>
    public required bool NeedsUpdate { get; init; }
    public required IReadOnlyList<string> Warnings { get; init; }

    public static ServerBody Of(McpServerView view, string publicUrl, IEnumerable<string>? warnings = null) => new()
    {
        Id = view.Id,
        ConnectURL = $"{publicUrl}/mcp-connect/{view.Id}",
        Manifest = view.Manifest,
        OwnerID = view.OwnerId,
        CatalogEntryID = view.CatalogEntryId,
        CatalogID = view.CatalogId,
        Revision = view.Revision,
        CreatedAt = view.CreatedAt,
        UpdatedAt = view.UpdatedAt,
        Configured = view.Configured,
        MissingRequiredEnvVars = view.MissingRequiredEnvVars,
        DeploymentStatus = view.DeploymentStatus,
        DeploymentReason = view.DeploymentReason,
        NeedsUpdate = view.NeedsUpdate,
        Warnings = [.. warnings ?? [], .. ManifestJson.UnknownFields(view.Manifest).Select(path => $"Unknown field '{path}' is kept and not used.")],
    };
}

/// <summary>The deployment of the caller's instance.</summary>
internal sealed record DeploymentBody
{
    [JsonConverter(typeof(JsonStringEnumConverter<DeploymentStatus>))]
    public required DeploymentStatus DeploymentStatus { get; init; }
    public string? DeploymentReason { get; init; }
    public required long Generation { get; init; }
    public string? GuardURL { get; init; }
    public string? Backend { get; init; }
    public string? Host { get; init; }

    /// <summary>The image that the server runs, with its digest.</summary>
    public string? Image { get; init; }
    public required IReadOnlyList<DeploymentProcess> Processes { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? LastActivity { get; init; }
    public required int Failures { get; init; }

    /// <summary>Breakdowns since it was stopped, or fell asleep; <c>deploymentReason</c> says what the last one was.</summary>
    public required int Restarts { get; init; }
    public DateTimeOffset? RetryAt { get; init; }
    public required int InFlight { get; init; }

    /// <summary>Manifest revision that the running generation was made from.</summary>
    public required long Revision { get; init; }

    /// <summary>Revision of the manifest as it is declared.</summary>
    public required long DeclaredRevision { get; init; }

    /// <summary>What runs was made from another revision; <see cref="Diff"/> says what differs.</summary>
    public required bool NeedsUpdate { get; init; }
    public IReadOnlyList<FieldChange>? Diff { get; init; }

    public static DeploymentBody Of(ServerDetails details) => Of(details.Deployment) with { DeclaredRevision = details.Revision, NeedsUpdate = details.NeedsUpdate, Diff = details.Diff };

    private static DeploymentBody Of(ServerDeployment deployment) => new()
    {
        DeploymentStatus = deployment.Status,
        DeploymentReason = deployment.Reason,
        Generation = deployment.Generation,
        GuardURL = deployment.GuardUrl,
        Backend = deployment.Backend,
        Host = deployment.Host,
        Image = deployment.Image,
        Processes = deployment.Processes,
        StartedAt = deployment.StartedAt,
        LastActivity = deployment.LastActivity,
        Failures = deployment.Failures,
        Restarts = deployment.Restarts,
        RetryAt = deployment.RetryAt,
        InFlight = deployment.InFlight,
        Revision = deployment.ManifestRevision,
        DeclaredRevision = deployment.ManifestRevision,
        NeedsUpdate = false,
    };
}

/// <summary>A tool as the server lists it.</summary>
internal sealed record ToolBody(string Name, string? Description, JsonElement InputSchema);

/// <summary>A change of an instance's state, as an event of the stream.</summary>
internal sealed record ServerEventBody(DateTimeOffset At, long Generation, [property: JsonConverter(typeof(JsonStringEnumConverter<DeploymentStatus>))] DeploymentStatus DeploymentStatus, string? DeploymentReason, DateTimeOffset? RetryAt)
{
    public static string Write(ServerEvent change) =>
        JsonSerializer.Serialize(new ServerEventBody(change.At, change.Generation, change.Status, change.Reason, change.RetryAt), ManagementJson.Options);
}

/// <summary>One line of a server's log, as an event of the stream.</summary>
internal sealed record LogLineBody(DateTimeOffset At, long Generation, string Text);
