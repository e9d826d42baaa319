using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Obot.Grains.Conversations.Running;

/// <summary>
/// What tools the model is told of. Few: all, with their schemas. Many: two of ours, one that searches and one that calls, so that a schema is
/// only told when it is needed.
/// </summary>
internal sealed class ToolOffer
{
    public const string SearchName = "search_tools";
    public const string CallName = "call_tool";
    private const int MostFound = 8;
    private static readonly char[] Separators = [' ', '_', '-', '.', ',', '/', ':', ';', '(', ')', '"', '\'', '\n', '\t'];
    private static readonly JsonElement SearchSchema = Parse("""{"type":"object","properties":{"query":{"type":"string","description":"What the tool should do, in a few words"}},"required":["query"]}""");
    private static readonly JsonElement CallSchema = Parse("""{"type":"object","properties":{"name":{"type":"string","description":"Name of a tool that search_tools found"},"arguments":{"type":"object","description":"As the tool's schema says"}},"required":["name","arguments"]}""");

    private readonly Dictionary<string, OfferedTool> _tools;

    public ToolOffer(IReadOnlyList<OfferedTool> tools, int searchFrom)
    {
        _tools = tools.ToDictionary(tool => tool.Name, StringComparer.Ordinal);
        IsSearched = tools.Count >= searchFrom;
        Declarations = IsSearched
            ? [
                AIFunctionFactory.CreateDeclaration(SearchName, $"Finds tools among the {tools.Count} that are connected; answers names, descriptions and schemas. Use it before you say that you cannot do something.", SearchSchema),
                AIFunctionFactory.CreateDeclaration(CallName, "Calls a tool that search_tools found.", CallSchema),
            ]
            : [.. tools.Select(tool => AIFunctionFactory.CreateDeclaration(tool.Name, tool.Tool.Description ?? "", tool.Schema))];
        Declarations = [.. WorkspaceTools.Declarations, .. Declarations];
        SavedTokens = IsSearched ? Math.Max(0, tools.Sum(tool => tool.Tokens) - ((SearchSchema.GetRawText().Length + CallSchema.GetRawText().Length + 250) / 4)) : 0;
    }

    public bool IsSearched { get; }

    public IReadOnlyList<AITool> Declarations { get; }

    /// <summary>Estimated tokens that a model call is shorter by.</summary>
    public long SavedTokens { get; }

    public OfferedTool? Find(string name) => _tools.GetValueOrDefault(name);

    public OfferedTool? FindByTool(string serverId, string tool) => _tools.Values.FirstOrDefault(one => one.ServerId == serverId && one.Tool.Name == tool);

    /// <summary>JSON of the tools that fit best.</summary>
    public string Search(string query)
    {
        var words = query.ToLowerInvariant().Split(Separators, StringSplitOptions.RemoveEmptyEntries);
        var found = _tools.Values.Select(tool => (Tool: tool, Score: Score(tool, words))).Where(one => one.Score > 0).OrderByDescending(one => one.Score).Take(MostFound)
            .Select(one => new { one.Tool.Name, one.Tool.Tool.Description, server = one.Tool.ServerName, one.Tool.Schema }).ToList();
        return found.Count > 0 ? JsonSerializer.Serialize(found, JsonSerializerOptions.Web) : $"Nothing fits. The connected servers are: {string.Join(", ", _tools.Values.Select(tool => tool.ServerName).Distinct())}.";
    }

    private static double Score(OfferedTool tool, string[] words)
    {
        var name = tool.Name.ToLowerInvariant();
        var description = (tool.Tool.Description ?? "").ToLowerInvariant();
        return words.Sum(word => (name.Contains(word, StringComparison.Ordinal) ? 3 : 0) + (description.Contains(word, StringComparison.Ordinal) ? 1 : 0));
    }

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
