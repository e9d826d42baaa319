using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>What users supply for an instance: table <c>mcp_server_values</c>.</summary>
internal static class SuppliedValues
{
    /// <param name="stored">Column <c>values</c>; null is no row.</param>
    public static IReadOnlyDictionary<string, string> Decrypt(IEncryption encryption, string instance, string? stored) =>
        stored is null
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : JsonSerializer.Deserialize<Dictionary<string, string>>(encryption.DecryptTextOrPlain(Place(instance), stored)) ?? [];

    /// <summary>The values that count for one user of a server.</summary>
    public static async Task<CallerValues> OfCallerAsync(ObotDb db, IEncryption encryption, ServerEntry server, string userId, CancellationToken cancellationToken)
    {
        var (shared, own) = (server.InstanceFor(userId).ToString(), McpInstanceId.Of(server.ServerId, userId).ToString());
        var rows = await db.ServerValues.AsNoTracking().Where(row => row.Instance == shared || row.Instance == own)
            .ToDictionaryAsync(row => row.Instance, row => row.Values, StringComparer.Ordinal, cancellationToken);
        return new(Decrypt(encryption, shared, rows.GetValueOrDefault(shared)), Decrypt(encryption, own, rows.GetValueOrDefault(own)));
    }

    /// <summary>Takes all of them away. False when there were none.</summary>
    public static async Task<bool> ClearAsync(ObotDb db, McpInstanceId instance, CancellationToken cancellationToken)
    {
        var key = instance.ToString();
        return await db.ServerValues.Where(row => row.Instance == key).ExecuteDeleteAsync(cancellationToken) > 0;
    }

    /// <exception cref="InvalidInputException">A key that nobody may supply, or a value that does not fit its entry.</exception>
    public static void Check(ServerManifest manifest, IReadOnlyDictionary<string, string> values)
    {
        var open = ManifestEntries.Of(manifest).Where(entry => entry.Value is null).ToDictionary(entry => entry.Key, StringComparer.Ordinal);
        var headers = ManifestEntries.HeadersOf(manifest).Select(entry => entry.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var (key, value) in values)
        {
            if (!open.TryGetValue(key, out var entry))
            {
                var allowed = open.Count == 0 ? "This server takes no values." : $"Allowed: {string.Join(", ", open.Keys.Select(name => $"'{name}'"))}.";
                throw new InvalidInputException(key, $"The server's manifest asks for no '{key}'. {allowed}");
            }

            ManifestEntries.CheckValue(entry, value ?? throw new InvalidInputException(key, "Must be a text; an empty one removes the value."), key, !headers.Contains(key));
            RemoteAddress.Check(manifest, key, value);
        }
    }

    /// <summary>Sets the given values and keeps the others; an empty text removes one. False when the server is gone.</summary>
    public static async Task<bool> StoreAsync(
        ObotDb db, IEncryption encryption, McpInstanceId instance, IReadOnlyDictionary<string, string> values, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // one writer at a time; a removal waits for us
        var server = await db.Servers.FromSql($"SELECT * FROM mcp_servers WHERE id = {instance.ServerId} FOR UPDATE").AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        if (server is null)
        {
            return false;
        }

        var key = instance.ToString();
        var row = await db.ServerValues.SingleOrDefaultAsync(row => row.Instance == key, cancellationToken);
        var all = new Dictionary<string, string>(Decrypt(encryption, key, row?.Values), StringComparer.Ordinal);
        foreach (var (name, value) in values)
        {
            all[name] = value;
            if (value.Length == 0)
            {
                all.Remove(name);
            }
        }

        if (row is null)
        {
            row = new ServerValueRow { Instance = key, ServerId = instance.ServerId, Values = "", UpdatedAt = now };
            db.ServerValues.Add(row);
        }

        row.Values = encryption.EncryptText(Place(key), JsonSerializer.Serialize(all));
        row.UpdatedAt = now;
        await db.SaveChangesAsync(cancellationToken);
        return true;
    }

    private static SecretPlace Place(string instance) => new("mcp_server_values", instance, "values");
}

/// <param name="Shared">Of the instance.</param>
/// <param name="Own">Of the user.</param>
internal sealed record CallerValues(IReadOnlyDictionary<string, string> Shared, IReadOnlyDictionary<string, string> Own)
{
    public string? Of(ServerManifest manifest, ManifestValue entry) => (ManifestEntries.IsOwn(manifest, entry.Key) ? Own : Shared).GetValueOrDefault(entry.Key);

    public IReadOnlyList<string> Missing(ServerManifest manifest) => ManifestEntries.MissingOf(ManifestEntries.Of(manifest), entry => Of(manifest, entry));

    public IReadOnlyList<string> MissingHeaders(ServerManifest manifest) => ManifestEntries.MissingOf(ManifestEntries.HeadersOf(manifest), entry => Of(manifest, entry));

    public override string ToString() => nameof(CallerValues);
}
