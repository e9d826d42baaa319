namespace Obot.Grains.Conversations;

/// <summary>Section <c>Obot:Conversations</c>.</summary>
internal sealed class ConversationOptions
{
    /// <summary>
    /// Where runs find models and MCP servers: addresses of gateway silos, separated by commas, or of what stands before them all. One that cannot be
    /// connected to is left for the next. Default: this silo itself where it has role <c>gateway</c>, else <c>Obot:PublicUrl</c>.
    /// </summary>
    public string GatewayUrl { get; set; } = "";

    /// <summary>Name or alias that answers where neither conversation nor project names one. Default <c>llm</c>.</summary>
    public string DefaultModel { get; set; } = "llm";

    /// <summary>Model calls of one answer at most. Default 50.</summary>
    public int MaxSteps { get; set; } = 50;

    /// <summary>Estimated tokens of what a model is told; where it is more, earlier messages are summarized. Default 100,000.</summary>
    public int MaxContextTokens { get; set; } = 100_000;

    /// <summary>From how many tools on the model searches for them instead of being told all. Default 40.</summary>
    public int SearchToolsFrom { get; set; } = 40;

    /// <summary>Time limit of one tool call, waiting for a person's answers left out. Default 5 minutes.</summary>
    public TimeSpan ToolTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a server's question waits for its person. Default 10 minutes.</summary>
    public TimeSpan QuestionTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Characters of a tool's result that are kept, and that a model is told. Default 200,000 and 30,000.</summary>
    public int MaxResultCharacters { get; set; } = 200_000;

    public int MaxResultCharactersToModel { get; set; } = 30_000;
}
