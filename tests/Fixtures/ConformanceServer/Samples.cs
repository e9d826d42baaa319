using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Obot.ConformanceServer;

/// <summary>The smallest valid picture and sound, and requests read from JSON as the suite describes them.</summary>
internal static class Samples
{
    /// <summary>1×1 pixel.</summary>
    public const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    /// <summary>A header and one silent frame.</summary>
    public const string Wav = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==";

    /// <summary>The SDK keeps binary content as the UTF-8 bytes of its base64.</summary>
    public static byte[] Bytes(string base64) => Encoding.UTF8.GetBytes(base64);

    public static ImageContentBlock Picture() => new() { Data = Bytes(Png), MimeType = "image/png" };

    public static AudioContentBlock Sound() => new() { Data = Bytes(Wav), MimeType = "audio/wav" };

    public static EmbeddedResourceBlock Resource(string uri, string mimeType, string text) =>
        new() { Resource = new TextResourceContents { Uri = uri, MimeType = mimeType, Text = text } };

    /// <summary>An elicitation whose schema's <c>properties</c> are given as JSON.</summary>
    public static ElicitRequestParams Ask(string message, string properties, params string[] required)
    {
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = JsonNode.Parse(properties),
            ["required"] = JsonSerializer.SerializeToNode(required),
        };
        var request = new JsonObject { ["message"] = message, ["requestedSchema"] = schema };
        return request.Deserialize<ElicitRequestParams>(McpJsonUtilities.DefaultOptions)!;
    }

    public static CreateMessageRequestParams Sample(string prompt, int maxTokens) => new()
    {
        Messages = [new SamplingMessage { Role = Role.User, Content = [new TextContentBlock { Text = prompt }] }],
        MaxTokens = maxTokens,
    };
}
