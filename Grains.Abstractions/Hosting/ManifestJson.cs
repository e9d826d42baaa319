using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Obot.Grains.Abstractions.Hosting;

/// <summary>The one way to write a <see cref="ServerManifest"/> as JSON: in tables, the management API and exports.</summary>
public static class ManifestJson
{
    /// <summary>Marks a sensitive entry whose value is set and not shown; sent back on an update it keeps that value.</summary>
    public const string ValueSet = "valueSet";

    /// <summary>Fields of the format that are kept but have no record of their own yet.</summary>
    private static readonly HashSet<string> KeptAsTheyAre =
        new(["toolPreview"], StringComparer.Ordinal);

    /// <summary>camelCase with the capitals of the format (<c>repoURL</c>), null left out, duplicates refused.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        PropertyNameCaseInsensitive = false,
        NumberHandling = JsonNumberHandling.Strict,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,

        // named, so that the shape of a type can be asked for before anything was written
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    public static string Serialize(ServerManifest manifest) => JsonSerializer.Serialize(manifest, Options);

    /// <exception cref="JsonException">The text is not a manifest.</exception>
    public static ServerManifest Deserialize(string json) =>
        JsonSerializer.Deserialize<ServerManifest>(json, Options) ?? throw new JsonException("The manifest is null.");

    /// <summary>JSON paths, below <paramref name="root"/>, of the members that the format does not have.</summary>
    public static IEnumerable<string> UnknownFields(ServerManifest manifest, string root = "manifest") =>
    [
        .. Names(manifest.Unknown, root).Where(path => !KeptAsTheyAre.Contains(path[(root.Length + 1)..])),
        .. Names(manifest.NpxConfig?.Unknown, $"{root}.npxConfig"),
        .. Names(manifest.UvxConfig?.Unknown, $"{root}.uvxConfig"),
        .. Names(manifest.ContainerizedConfig?.Unknown, $"{root}.containerizedConfig"),
        .. Names(manifest.RemoteConfig?.Unknown, $"{root}.remoteConfig"),
        .. Names(manifest.CompositeConfig?.Unknown, $"{root}.compositeConfig"),
        .. (manifest.CompositeConfig?.ComponentServers ?? []).SelectMany((component, index) => Names(component.Unknown, $"{root}.compositeConfig.componentServers[{index}]")),
        .. Names(manifest.Resources?.Unknown, $"{root}.resources"),
        .. Names(manifest.Resources?.Requests?.Unknown, $"{root}.resources.requests"),
        .. Names(manifest.Resources?.Limits?.Unknown, $"{root}.resources.limits"),
        .. Entries(manifest.Env, $"{root}.env"),
        .. Entries(manifest.Headers, $"{root}.headers"),
        .. Entries(manifest.RemoteConfig?.Headers ?? [], $"{root}.remoteConfig.headers"),
        .. Names(manifest.MultiUserConfig?.Unknown, $"{root}.multiUserConfig"),
        .. Entries(manifest.MultiUserConfig?.UserDefinedHeaders ?? [], $"{root}.multiUserConfig.userDefinedHeaders"),
    ];

    private static IEnumerable<string> Entries(IReadOnlyList<ManifestValue> entries, string path) =>
        entries.SelectMany((entry, index) => Names(entry.Unknown, $"{path}[{index}]")).Where(name => !name.EndsWith($".{ValueSet}", StringComparison.Ordinal));

    private static IEnumerable<string> Names(IDictionary<string, JsonElement>? unknown, string path) =>
        unknown?.Keys.Select(name => $"{path}.{name}") ?? [];
}
