using System.ComponentModel;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Obot.ConformanceServer.Tools;

/// <summary>One tool a kind of content.</summary>
[McpServerToolType]
internal sealed class ContentTools
{
    public const string Reconnection = "test_reconnection";

    [McpServerTool(Name = "test_simple_text"), Description("Answers with text")]
    public static string Text() => "This is a simple text response for testing.";

    [McpServerTool(Name = "test_image_content"), Description("Answers with a picture")]
    public static ImageContentBlock Image() => Samples.Picture();

    [McpServerTool(Name = "test_audio_content"), Description("Answers with a sound")]
    public static AudioContentBlock Audio() => Samples.Sound();

    [McpServerTool(Name = "test_embedded_resource"), Description("Answers with a resource")]
    public static EmbeddedResourceBlock Embedded() =>
        Samples.Resource("test://embedded-resource", "text/plain", "This is an embedded resource content.");

    [McpServerTool(Name = "test_multiple_content_types"), Description("Answers with text, a picture and a resource")]
    public static ContentBlock[] Mixed() =>
    [
        new TextContentBlock { Text = "Multiple content types test:" },
        Samples.Picture(),
        Samples.Resource("test://mixed-content-resource", "application/json", """{"test":"data","value":123}"""),
    ];

    [McpServerTool(Name = "test_error_handling"), Description("Always fails")]
    public static string Error() => throw new McpException("This tool intentionally returns an error for testing");

    [McpServerTool(Name = Reconnection), Description("Closes its stream before it answers")]
    public static string Reconnect() => "answered after reconnection";
}
