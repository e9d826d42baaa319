using System.ComponentModel;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Obot.ConformanceServer.Tools;

/// <summary>A tool whose result a page of the server shows (MCP Apps, SEP-1865), and one whose page is not there.</summary>
[McpServerToolType, McpServerResourceType]
internal sealed class AppTools
{
    private const string Page = "ui://clock/page";
    private const string LivePage = "ui://clock/live";

    [McpServerTool(Name = "clock"), Description("What time it is, with a page"), McpMeta("ui", JsonValue = $$"""{"resourceUri":"{{Page}}"}""")]
    public static string Clock() => "12:00";

    [McpServerTool(Name = "clock_lost"), Description("The same with a page that is not there"), McpMeta("ui", JsonValue = """{"resourceUri":"ui://clock/nowhere"}""")]
    public static string Lost() => "12:00";

    [McpServerResource(UriTemplate = Page, Name = "clock page", MimeType = "text/html;profile=mcp-app"), Description("Shows what clock answers")]
    public static TextResourceContents Html() => new()
    {
        Uri = Page,
        MimeType = "text/html;profile=mcp-app",
        Text = "<!doctype html><title>Clock</title><p>12:00",
        Meta = new() { ["ui"] = new System.Text.Json.Nodes.JsonObject { ["prefersBorder"] = true, ["csp"] = new System.Text.Json.Nodes.JsonObject { ["connectDomains"] = new System.Text.Json.Nodes.JsonArray("https://time.example.com", "https://a.example; script-src *") } } },
    };

    [McpServerTool(Name = "clock_live"), Description("The same with a page that speaks with its host, and tries what it may not"), McpMeta("ui", JsonValue = $$"""{"resourceUri":"{{LivePage}}"}""")]
    public static string Live([Description("Where the page tries to get")] string away) => $"12:00 {away.Length}";

    [McpServerResource(UriTemplate = LivePage, Name = "live clock page", MimeType = "text/html;profile=mcp-app"), Description("Shows what clock_live answers")]
    public static TextResourceContents LiveHtml() => new() { Uri = LivePage, MimeType = "text/html;profile=mcp-app", Text = LiveClock.Html };
}
