using System.Text;
using System.Text.Json;
using ModelContextProtocol.Client;

namespace Obot.Grains.Conversations.Running;

/// <summary>A tool as it is offered to the model.</summary>
/// <param name="Name">Unique among those offered; what models allow: at most 64 of <c>[A-Za-z0-9_-]</c>.</param>
internal sealed record OfferedTool(string Name, string ServerId, string ServerName, McpClientTool Tool)
{
    private const int MostCharacters = 64;

    public string Key => $"{ServerId}/{Tool.Name}";

    public JsonElement Schema => Tool.JsonSchema;

    /// <summary>Calling it twice is calling it once.</summary>
    public bool IsRepeatable => Tool.ProtocolTool.Annotations is { } marks && (marks.ReadOnlyHint == true || marks.IdempotentHint == true);

    /// <summary>Estimated tokens that describing it takes.</summary>
    public int Tokens => (Name.Length + (Tool.Description?.Length ?? 0) + Schema.GetRawText().Length) / 4;

    /// <summary>The page (MCP Apps) that shows its results.</summary>
    public string? AppUri =>
        Tool.ProtocolTool.Meta is { } meta ? (meta["ui"]?["resourceUri"] ?? meta["ui/resourceUri"])?.ToString() is { } uri && uri.StartsWith("ui://", StringComparison.Ordinal) ? uri : null : null;

    public static string NameOf(string server, string tool, ICollection<string> taken)
    {
        var name = Plain($"{server}__{tool}");
        name = name.Length > MostCharacters ? Plain(tool) : name;
        name = name.Length > MostCharacters ? name[..MostCharacters] : name;
        for (var number = 2; taken.Contains(name); number++)
        {
            var suffix = $"_{number}";
            name = name[..Math.Min(name.Length, MostCharacters - suffix.Length)] + suffix;
        }

        return name;
    }

    private static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            plain.Append(char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' ? letter : '_');
        }

        return plain.ToString();
    }
}
