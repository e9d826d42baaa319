using System.ComponentModel;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Obot.ConformanceServer.Tools;

/// <summary>Tools through which the suite watches what the framework does around a tool (SEP-2575, SEP-2243).</summary>
[McpServerToolType]
internal sealed partial class DiagnosticTools
{
    [McpServerTool(Name = "test_missing_capability"), Description("Needs a client that can sample")]
    public static string MissingCapability(McpServer server) => server.ClientCapabilities?.Sampling is not null
        ? "the client can sample"
        : throw new MissingRequiredClientCapabilityException(new ClientCapabilities { Sampling = new() }, "the client did not declare sampling");

    [McpServerTool(Name = "test_streaming_elicitation"), Description("Streams nothing but its result")]
    public static string StreamingElicitation() => "a result and no request";

    [McpServerTool(Name = "test_logging_tool"), Description("Logs, whether or not the client asked for it")]
    public static string Logging(McpServer server)
    {
        using var provider = server.AsClientLoggerProvider();
        Called(provider.CreateLogger(nameof(DiagnosticTools)));
        return "logged";
    }

    [McpServerTool(Name = "test_headers"), Description("Has a parameter that clients mirror into Mcp-Param-Region")]
    public static string Headers(
        [McpHeader("Region"), Description("Any text")] string region,
        [Description("Any text, not mirrored")] string? query = null) => $"region={region}, query={query}";

    [LoggerMessage(Level = LogLevel.Information, Message = "test_logging_tool called")]
    private static partial void Called(ILogger logger);
}
