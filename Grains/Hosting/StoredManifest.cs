using System.Text.Json;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>
/// A manifest in <c>mcp_servers.manifest</c>: encrypted as a whole, because secrets also hide in arguments and addresses; a JSON string
/// in a column of type <c>jsonb</c>. An object there is plaintext of an older release.
/// </summary>
internal static class StoredManifest
{
    public static string EncryptManifest(this IEncryption encryption, string serverId, ServerManifest manifest) =>
        JsonSerializer.Serialize(encryption.EncryptText(Place(serverId), ManifestJson.Serialize(manifest)));

    public static ServerManifest DecryptManifest(this IEncryption encryption, ServerRow row) => ManifestJson.Deserialize(
        encryption.DecryptTextOrPlain(Place(row.Id), row.Manifest.StartsWith('"') ? JsonSerializer.Deserialize<string>(row.Manifest)! : row.Manifest));

    private static SecretPlace Place(string serverId) => new("mcp_servers", serverId, "manifest");
}
