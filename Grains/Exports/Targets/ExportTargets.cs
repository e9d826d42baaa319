using System.Text.Json;
using Microsoft.Extensions.Options;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Hosting;

namespace Obot.Grains.Exports.Targets;

/// <summary>Opens storages.</summary>
internal sealed class ExportTargets(IEncryption encryption, IOptions<HostingOptions> hosting)
{
    public IExportTarget Open(StorageRow row) => Open(Settings(row), Secret(row));

    public IExportTarget Open(NewStorage settings, string? secret) => settings.Kind switch
    {
        StorageModes.S3 => new S3Target(settings, secret),
        StorageModes.Azure => new AzureTarget(settings, secret),
        _ => new DirectoryTarget(settings.Directory ?? Path.Combine(hosting.Value.DataPath, "exports")),
    };

    public static NewStorage Settings(StorageRow row) => JsonSerializer.Deserialize<NewStorage>(row.Settings, JsonSerializerOptions.Web)!;

    public string? Secret(StorageRow row) => row.Secret is null ? null : encryption.DecryptText(Place(row.Id), row.Secret);

    public void Write(StorageRow row, NewStorage settings, string? secret)
    {
        row.Settings = JsonSerializer.Serialize(settings with { SecretAccessKey = null }, JsonSerializerOptions.Web);
        row.Secret = secret is null ? null : encryption.EncryptText(Place(row.Id), secret);
    }

    private static SecretPlace Place(string id) => new("storage_credentials", id, "secret");
}
