using System.Text.Json;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Catalog;

/// <summary>Column <c>mcp_catalogs.credentials</c>: address → token or private key.</summary>
internal static class StoredCredentials
{
    public static Dictionary<string, string> Read(IEncryption encryption, CatalogRow row) => row.Credentials is null
        ? new(StringComparer.Ordinal)
        : JsonSerializer.Deserialize<Dictionary<string, string>>(encryption.DecryptText(Place(row.Id), row.Credentials)) ?? new(StringComparer.Ordinal);

    public static void Write(IEncryption encryption, CatalogRow row, Dictionary<string, string> credentials) =>
        row.Credentials = credentials.Count == 0 ? null : encryption.EncryptText(Place(row.Id), JsonSerializer.Serialize(credentials));

    private static SecretPlace Place(string id) => new("mcp_catalogs", id, "credentials");
}
