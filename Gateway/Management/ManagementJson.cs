using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Management;

/// <summary>JSON of the management API: as manifests are written, times in RFC 3339, states as words.</summary>
internal static class ManagementJson
{
    public static JsonSerializerOptions Options { get; } = new(ManifestJson.Options)
    {
        Converters = { new JsonStringEnumConverter() },

        // for readers of messages; the answers are JSON with nosniff, never part of a page
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
