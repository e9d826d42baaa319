using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Hosting;

/// <summary>Puts together what is declared (rows) and what moves (grains). Sensitive static values never leave.</summary>
internal sealed partial class ServerViews(IGrainFactory grains, IEncryption encryption, ILogger<ServerViews> logger)
{
    private const int AtOnce = 32;

    public static McpServerView Fresh(Principal caller, ServerRow row, ServerManifest manifest) =>
        View(caller, row, manifest, new(new Dictionary<string, string>(), new Dictionary<string, string>()), new() { Status = DeploymentStatus.Stopped });

    public async Task<McpServerView> OneAsync(ObotDb db, Principal caller, ServerRow row, CancellationToken cancellationToken) =>
        (await ManyAsync(db, caller, [row], cancellationToken))[0];

    public async Task<IReadOnlyList<McpServerView>> ManyAsync(ObotDb db, Principal caller, IReadOnlyList<ServerRow> rows, CancellationToken cancellationToken)
    {
        var keys = rows.Select(row => Instance(caller, row).ToString()).ToArray();
        var own = rows.Select(row => McpInstanceId.Of(row.Id, caller.UserId).ToString()).ToArray();
        var supplied = await db.ServerValues.AsNoTracking()
            .Where(row => keys.Contains(row.Instance) || own.Contains(row.Instance))
            .ToDictionaryAsync(row => row.Instance, row => row.Values, StringComparer.Ordinal, cancellationToken);
        var views = new McpServerView[rows.Count];
        await Parallel.ForAsync(0, rows.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (i, _) =>
        {
            var deployment = await DeploymentAsync(Instance(caller, rows[i]));
            views[i] = View(caller, rows[i], encryption.DecryptManifest(rows[i]), new(Values(keys[i]), Values(own[i])), deployment);
        });
        return views;

        IReadOnlyDictionary<string, string> Values(string key) => SuppliedValues.Decrypt(encryption, key, supplied.GetValueOrDefault(key));
    }

    /// <summary>A grain that cannot be asked must not hide the server, least of all from the one who wants to repair it.</summary>
    public async Task<ServerDeployment> DeploymentAsync(McpInstanceId instance)
    {
        try
        {
            return await grains.GetGrain<IMcpServerGrain>(instance.ToString()).GetDeployment();
        }
        catch (Exception e)
        {
            Unreadable(e, instance);
            return new() { Status = DeploymentStatus.Unhealthy, Reason = "Its state could not be read just now; asking again in a moment helps, or the log of the platform says why." };
        }
    }

    /// <summary>What runs was made from another revision than the declared one.</summary>
    public static bool NeedsUpdate(ServerDeployment deployment, long revision) =>
        deployment is { Status: DeploymentStatus.Running or DeploymentStatus.Unhealthy, ManifestRevision: > 0 } && deployment.ManifestRevision != revision;

    private static McpInstanceId Instance(Principal caller, ServerRow row) =>
        row.Entry().InstanceFor(caller.UserId);

    private static McpServerView View(Principal caller, ServerRow row, ServerManifest manifest, CallerValues supplied, ServerDeployment deployment) => new()
    {
        Id = row.Id,
        Manifest = ManifestEntries.Redact(manifest),
        OwnerId = row.OwnerId,
        CatalogEntryId = row.CatalogEntryId,
        CatalogId = row.CatalogId,
        Revision = row.Revision,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
        Instance = Instance(caller, row).ToString(),
        DeploymentStatus = deployment.Status,
        DeploymentReason = deployment.Reason,
        NeedsUpdate = NeedsUpdate(deployment, row.Revision),
        MissingRequiredEnvVars = supplied.Missing(manifest),
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "The state of {Instance} could not be read")]
    private partial void Unreadable(Exception exception, McpInstanceId instance);
}
