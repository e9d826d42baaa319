namespace Obot.Grains.Abstractions.Llm;

/// <summary>Vendors of models, by what their doors look like.</summary>
public static class ProviderKinds
{
    public const string OpenAi = "openai";
    public const string Anthropic = "anthropic";

    /// <summary>Azure OpenAI by its <c>/openai/v1</c> door; a model is a deployment.</summary>
    public const string AzureOpenAi = "azure-openai";

    /// <summary>Amazon Bedrock: Anthropic models by InvokeModel, the others by its OpenAI-compatible door; signed with SigV4.</summary>
    public const string Bedrock = "bedrock";

    /// <summary>Google Gemini by its OpenAI-compatible door.</summary>
    public const string Gemini = "gemini";

    /// <summary>Whatever else speaks <c>chat/completions</c>: Ollama, vLLM, Groq, xAI, DeepSeek, LiteLLM …</summary>
    public const string OpenAiCompatible = "openai-compatible";

    public static IReadOnlyList<string> All { get; } = [OpenAi, Anthropic, AzureOpenAi, Bedrock, Gemini, OpenAiCompatible];
}

/// <summary>What is said at a door, or at a provider's.</summary>
public enum LlmOperation
{
    /// <summary>OpenAI, <c>POST chat/completions</c>.</summary>
    Chat,

    /// <summary>OpenAI, <c>POST responses</c>.</summary>
    Responses,

    /// <summary>OpenAI, <c>POST embeddings</c>.</summary>
    Embeddings,

    /// <summary>Anthropic, <c>POST messages</c>.</summary>
    Messages,

    /// <summary>Anthropic, <c>POST messages/count_tokens</c>.</summary>
    CountTokens,

    /// <summary><c>GET models</c>.</summary>
    ListModels,
}

/// <summary>What a model is for.</summary>
public static class ModelUsages
{
    public const string Chat = "llm";
    public const string Embedding = "text-embedding";
    public const string Image = "image-generation";
    public const string Vision = "vision";
    public const string Other = "other";

    public static IReadOnlyList<string> All { get; } = [Chat, Embedding, Image, Vision, Other];
}
