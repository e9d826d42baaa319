using System.Text.Json;
using System.Text.RegularExpressions;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Catalog;

/// <summary>
/// An entry in its row. What lists show and search is plaintext there (names, descriptions, categories); the manifest as a whole is
/// encrypted like a server's.
/// </summary>
internal static partial class StoredEntry
{
    private const int MaxSlug = 60;
    private const int MaxCategories = 20;

    public static string EncryptEntry(this IEncryption encryption, string entryId, string manifestJson) =>
        JsonSerializer.Serialize(encryption.EncryptText(Place(entryId), manifestJson));

    public static ServerManifest DecryptEntry(this IEncryption encryption, CatalogEntryRow row) =>
        ManifestJson.Deserialize(encryption.DecryptText(Place(row.Id), JsonSerializer.Deserialize<string>(row.Manifest)!));

    /// <summary>Keyed, because manifests hold secrets and nobody must be able to try them out on the hash.</summary>
    public static byte[] HashEntry(this IEncryption encryption, string manifestJson) => encryption.BlindIndex("mcp_catalog_entries.hash", manifestJson);

    public static void Fill(CatalogEntryRow row, ServerManifest manifest, IEncryption encryption)
    {
        var json = ManifestJson.Serialize(manifest);
        row.Name = manifest.Name;
        row.ShortDescription = manifest.ShortDescription ?? "";
        row.Description = manifest.Description ?? "";
        row.Categories = Categories(manifest);
        row.Icon = string.IsNullOrWhiteSpace(manifest.Icon) ? null : manifest.Icon;
        row.Runtime = manifest.Runtime;
        row.ServerUserType = manifest.ServerUserType;
        row.Manifest = encryption.EncryptEntry(row.Id, json);
        row.Hash = encryption.HashEntry(json);
    }

    /// <summary><c>metadata.categories</c>: a list with commas.</summary>
    public static string[] Categories(ServerManifest manifest) =>
    [
        .. (manifest.Metadata?.GetValueOrDefault("categories") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Distinct(StringComparer.OrdinalIgnoreCase).Take(MaxCategories),
    ];

    /// <summary>Name in the registry, of characters that its schema allows; with the id where it would be somebody else's.</summary>
    public static string RegistryName(string name, string id, Predicate<string> isTaken)
    {
        var slug = NotOfAName().Replace(name.ToLowerInvariant(), "-").Trim('-', '.', '_');
        slug = (slug.Length > MaxSlug ? slug[..MaxSlug] : slug).TrimEnd('-', '.', '_');
        return slug.Length > 0 && !isTaken(slug) ? slug : slug.Length == 0 ? id : $"{slug}-{id[3..]}";
    }

    private static SecretPlace Place(string id) => new("mcp_catalog_entries", id, "manifest");

    [GeneratedRegex("[^a-z0-9._]+", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NotOfAName();
}
