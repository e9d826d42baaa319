using System.Text.Encodings.Web;
using System.Text.Json;

namespace Obot.Chat.Servers;

/// <summary>What to paste where, so that an MCP client reaches a server.</summary>
/// <param name="Client">Name of the client.</param>
/// <param name="Where">Where the text goes.</param>
/// <param name="Text">The text.</param>
public sealed record ClientBlock(string Client, string Where, string Text)
{
    private const string Key = "YOUR_API_KEY";

    private static readonly JsonSerializerOptions Pretty =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IReadOnlyList<ClientBlock> For(string name, string url)
    {
        var id = Identifier(name);
        var headers = new { Authorization = $"Bearer {Key}" };
        return
        [
            new("Claude Code", "In a shell:", $"claude mcp add --transport http {id} {url} --header \"Authorization: Bearer {Key}\""),
            new("VS Code", "In .vscode/mcp.json:", Json("servers", id, new { type = "http", url, headers })),
            new("Cursor", "In ~/.cursor/mcp.json:", Json("mcpServers", id, new { url, headers })),
            new("Inspector", "In a shell:", $"npx @modelcontextprotocol/inspector --cli {url} --transport http --header \"Authorization: Bearer {Key}\" --method tools/list"),
        ];
    }

    /// <summary>A name that is safe in a shell and as a key of every client: letters, digits and '-'.</summary>
    internal static string Identifier(string name)
    {
        var words = new string([.. name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? "server" : string.Join('-', words);
    }

    private static string Json(string group, string id, object server) =>
        JsonSerializer.Serialize(new Dictionary<string, object>(StringComparer.Ordinal) { [group] = new Dictionary<string, object>(StringComparer.Ordinal) { [id] = server } }, Pretty);
}
