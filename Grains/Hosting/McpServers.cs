using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Credentials;

namespace Obot.Grains.Hosting;

/// <summary>Servers as rows of <c>mcp_servers</c>, their life through <see cref="ServerLife"/>.</summary>
internal sealed class McpServers(
    IDbContextFactory<ObotDb> databases,
    IServerInstances instances,
    ServerViews views,
    ServerLife life,
    ServerTools tools,
    IServerLogs logs,
    ConnectionEnds connections,
    IEncryption encryption,
    TimeProvider time,
    IAuditEvents events) : IMcpServers
{
    private const string Kind = "mcp-servers";
    private const string ConfigurationChanged = "configuration changed";

    public async Task<McpServerView> Create(Principal caller, ServerManifest manifest, CancellationToken cancellationToken)
    {
        if (caller.ServerIds is not null)
        {
            throw new NotAllowedException("This API key reaches only the servers it names; making a server needs a key without 'mcpServerIDs'.");
        }

        manifest = ManifestEntries.Restore(manifest, null);
        ManifestValidation.Check(manifest);
        var now = time.Now();
        var row = new ServerRow
        {
            Id = RandomId.New("ms1"),
            OwnerId = caller.UserId,
            Name = manifest.Name,
            Manifest = "",
            Revision = 1,
            PerUser = manifest.IsPerUser,
            CreatedAt = now,
            UpdatedAt = now,
        };
        row.Manifest = encryption.EncryptManifest(row.Id, manifest);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await CompositeValidation.CheckComponentsAsync(db, encryption, caller, manifest, cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        db.Servers.Add(row);
        db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Server, row.Id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return ServerViews.Fresh(caller, row, manifest);
    }

    public async Task<McpServerView?> Find(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var row = await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken);
        return row is null ? null : await views.OneAsync(db, caller, row, cancellationToken);
    }

    public async Task<Page<McpServerView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = await ServerSight.VisibleAsync(db, db.Servers.AsNoTracking(), caller, cancellationToken);
        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var next = rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null;
        return new(await views.ManyAsync(db, caller, [.. rows.Take(limit)], cancellationToken), next);
    }

    public async Task<McpServerView?> Update(Principal caller, string serverId, ServerManifest manifest, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await ServerSight.FindAsync(db, db.Servers, caller, serverId, cancellationToken) is not { } row)
        {
            return null;
        }

        ServerSight.CheckManages(caller, row);
        manifest = ManifestEntries.Restore(manifest, encryption.DecryptManifest(row));
        ManifestValidation.Check(manifest);
        await CompositeValidation.CheckComponentsAsync(db, encryption, caller, manifest, cancellationToken);
        row.Name = manifest.Name;
        row.Manifest = encryption.EncryptManifest(serverId, manifest);
        var moves = row.PerUser != manifest.IsPerUser;
        row.PerUser = manifest.IsPerUser;
        row.Revision++;
        row.UpdatedAt = time.Now();
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, row.Id, row.Name);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException($"Server '{serverId}' was changed by someone else in the meantime. Read it again and repeat the change.");
        }

        await db.AnnounceAsync(SecurityChangeKinds.Server, serverId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        var all = await AllAsync(caller, row, CancellationToken.None);
        await (moves ? life.StopAsync(all, ConfigurationChanged) : life.ReplaceAsync(all, ConfigurationChanged));
        return await views.OneAsync(db, caller, row, cancellationToken);
    }

    public async Task<McpServerView?> Configure(Principal caller, string serverId, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not { } row)
        {
            return null;
        }

        var manifest = encryption.DecryptManifest(row);
        SuppliedValues.Check(manifest, values);
        var mine = values.Where(value => ManifestEntries.IsOwn(manifest, value.Key)).ToDictionary(StringComparer.Ordinal);
        var shared = values.Where(value => !mine.ContainsKey(value.Key)).ToDictionary(StringComparer.Ordinal);
        var (instance, own) = (InstanceOf(row, caller), McpInstanceId.Of(row.Id, caller.UserId));
        if (shared.Count > 0 || mine.Count == 0)
        {
            ServerSight.CheckRuns(caller, row.Id, row.OwnerId, row.PerUser);
        }

        if ((shared.Count > 0 && !await SuppliedValues.StoreAsync(db, encryption, instance, shared, time.Now(), cancellationToken))
            || (mine.Count > 0 && !await SuppliedValues.StoreAsync(db, encryption, own, mine, time.Now(), cancellationToken)))
        {
            return null;
        }

        await db.WriteChangeAsync(time.Now(), caller.UserId, "configure", Kind, row.Id, row.Name, Keys(values), cancellationToken);
        await AnnounceValuesAsync(db, row, shared.Count > 0 ? instance : own, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (shared.Count > 0)
        {
            await life.ReplaceAsync([instance], ConfigurationChanged);
        }

        return await views.OneAsync(db, caller, row, cancellationToken);
    }

    public async Task<McpServerView?> Deconfigure(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not { } row)
        {
            return null;
        }

        var (instance, own) = (InstanceOf(row, caller), McpInstanceId.Of(row.Id, caller.UserId));
        await SuppliedValues.ClearAsync(db, own, cancellationToken);
        var isShared = instance == own || ServerSight.Manages(caller, row.OwnerId);
        if (isShared)
        {
            await SuppliedValues.ClearAsync(db, instance, cancellationToken);
        }

        await db.WriteChangeAsync(time.Now(), caller.UserId, "deconfigure", Kind, row.Id, row.Name, null, cancellationToken);
        await AnnounceValuesAsync(db, row, isShared ? instance : own, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (isShared)
        {
            await life.ReplaceAsync([instance], ConfigurationChanged);
        }

        return await views.OneAsync(db, caller, row, cancellationToken);
    }

    public async Task<IReadOnlyDictionary<string, string>?> Reveal(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not { } row)
        {
            return null;
        }

        var values = await SuppliedValues.OfCallerAsync(db, encryption, row.Entry(), caller.UserId, cancellationToken);
        var seen = new Dictionary<string, string>(row.PerUser || ServerSight.Manages(caller, row.OwnerId) ? values.Shared : new Dictionary<string, string>(), StringComparer.Ordinal);
        foreach (var (key, value) in values.Own)
        {
            seen[key] = value;
        }

// recorded first: who cannot be recorded is shown nothing
        var isRecorded = events.Record(new() { Method = AuditMethods.ValuesRevealed, Status = 200, UserId = caller.UserId, CredentialId = caller.CredentialId, ServerId = serverId, Identifier = string.Join(", ", seen.Keys.Order(StringComparer.Ordinal)) });
        if (!isRecorded)
        {
            throw new ServerUnavailableException("Showing values is itself recorded, and that is not possible just now: the audit log of this silo cannot be written.");
        }

        return seen;
    }

    public async Task<bool> Delete(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);

        // the lock waits for instances that are being recorded and keeps later ones out, so that the list below is complete
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM mcp_servers WHERE id = {serverId} FOR UPDATE", cancellationToken);
        if (await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not { } row)
        {
            return false;
        }

        ServerSight.CheckManages(caller, row);
        var all = await AllAsync(caller, row, cancellationToken);
        var connected = await ConnectionEnds.OfServersAsync(db, [serverId], cancellationToken);
        await db.Servers.Where(one => one.Id == serverId).ExecuteDeleteAsync(cancellationToken);
        await db.WriteChangeAsync(time.Now(), caller.UserId, "delete", Kind, row.Id, row.Name, null, cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Server, serverId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await life.RemoveAsync(all);
        await connections.EndAsync(connected);
        return true;
    }

    public async Task<McpServerView?> Launch(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        if (await Find(caller, serverId, cancellationToken) is not { } view)
        {
            return null;
        }

        var route = await life.LaunchAsync(view, reset: true, cancellationToken);
        return view with { DeploymentStatus = route.Status, DeploymentReason = route.Reason };
    }

    public async Task<McpServerView?> Restart(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        if (await Find(caller, serverId, cancellationToken) is not { } view)
        {
            return null;
        }

        ServerSight.CheckRuns(caller, view.Id, view.OwnerId, view.Manifest.IsPerUser);
        ServerLife.CheckConfigured(view);
        await life.StopOneAsync(view, "restart was asked for");
        var route = await life.LaunchAsync(view, reset: true, cancellationToken);
        return view with { DeploymentStatus = route.Status, DeploymentReason = route.Reason };
    }

    public async Task<McpServerView?> Stop(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        if (await Find(caller, serverId, cancellationToken) is not { } view)
        {
            return null;
        }

        ServerSight.CheckRuns(caller, view.Id, view.OwnerId, view.Manifest.IsPerUser);
        await life.StopOneAsync(view, $"stopped by {caller.UserId}");
        return await Find(caller, serverId, cancellationToken);
    }

    public async Task<McpServerView?> TriggerUpdate(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        if (await Find(caller, serverId, cancellationToken) is not { } view)
        {
            return null;
        }

        ServerSight.CheckRuns(caller, view.Id, view.OwnerId, view.Manifest.IsPerUser);
        await life.ReplaceAsync([McpInstanceId.Parse(view.Instance)], "update was asked for");
        return await Find(caller, serverId, cancellationToken);
    }

    public async Task<ServerDetails?> Details(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not { } row)
        {
            return null;
        }

        var deployment = await views.DeploymentAsync(InstanceOf(row, caller));
        return new(deployment, row.Revision, ServerViews.NeedsUpdate(deployment, row.Revision)
            ? RunningDiff.Of(deployment.RunningManifest, ManifestJson.Serialize(ManifestEntries.Redact(encryption.DecryptManifest(row))))
            : null);
    }

    public async IAsyncEnumerable<ServerEvent> Events(
        Principal caller, string serverId, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        McpInstanceId instance;
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            if (await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not { } row)
            {
                yield break;
            }

            instance = InstanceOf(row, caller);
        }

        await foreach (var change in life.ObserveAsync(instance, cancellationToken))
        {
            yield return change;
        }
    }

    public async IAsyncEnumerable<ServerLogLine> Logs(
        Principal caller, string serverId, bool follow, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        McpInstanceId instance;
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            if (await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken) is not { } row)
            {
                yield break;
            }

            ServerSight.CheckRuns(caller, row.Id, row.OwnerId, row.PerUser);
            instance = InstanceOf(row, caller);
        }

        await foreach (var line in logs.Read(instance, follow, cancellationToken))
        {
            yield return line;
        }
    }

    public async Task<IReadOnlyList<ToolView>?> Tools(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        if (await Find(caller, serverId, cancellationToken) is not { } view)
        {
            return null;
        }

        var route = await life.LaunchAsync(view, reset: false, cancellationToken);
        return route is { Status: DeploymentStatus.Running, GuardUrl: { } guard }
            ? await tools.ListAsync(caller, McpInstanceId.Parse(view.Instance), guard, cancellationToken)
            : throw new ServerUnavailableException($"The server is {route.Status}: {route.Reason ?? "it gave no reason"}. Its log may say more.");
    }

    /// <summary>Which values were set; what they are is secret.</summary>
    private static string Keys(IReadOnlyDictionary<string, string> values) =>
        System.Text.Json.JsonSerializer.Serialize(new { set = values.Where(one => one.Value.Length > 0).Select(one => one.Key), removed = values.Where(one => one.Value.Length == 0).Select(one => one.Key) });

    /// <summary>Who counts the server's values hears that the server changed; guards forget what they put into calls.</summary>
    private static async Task AnnounceValuesAsync(ObotDb db, ServerRow row, McpInstanceId of, CancellationToken cancellationToken)
    {
        await db.AnnounceAsync(SecurityChangeKinds.Server, row.Id, cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Credential, of.ToString(), cancellationToken);
    }

    private static McpInstanceId InstanceOf(ServerRow row, Principal caller) =>
        row.Entry().InstanceFor(caller.UserId);

    /// <summary>The recorded instances and those that would be there without a record.</summary>
    private async Task<IReadOnlyCollection<McpInstanceId>> AllAsync(Principal caller, ServerRow row, CancellationToken cancellationToken) =>
        [.. (await instances.Of(row.Id, cancellationToken)).Union([InstanceOf(row, caller), row.PerUser ? McpInstanceId.Of(row.Id, row.OwnerId) : McpInstanceId.Shared(row.Id)])];
}
