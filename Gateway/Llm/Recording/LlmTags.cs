using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Recording;

/// <summary>Names of OpenTelemetry's GenAI semantic conventions, and the values that they fix.</summary>
internal static class LlmTags
{
    public const string Operation = "gen_ai.operation.name";
    public const string Provider = "gen_ai.provider.name";
    public const string RequestModel = "gen_ai.request.model";
    public const string ResponseModel = "gen_ai.response.model";
    public const string TokenType = "gen_ai.token.type";
    public const string Server = "server.address";
    public const string Port = "server.port";
    public const string Error = "error.type";

    public static string NameOf(LlmOperation operation) => operation switch
    {
        LlmOperation.Embeddings => "embeddings",
        LlmOperation.CountTokens => "count_tokens",
        _ => "chat",
    };

    public static string VendorOf(LlmTarget? target) => target?.Provider.Kind switch
    {
        null => "unknown",
        ProviderKinds.OpenAi => "openai",
        ProviderKinds.Anthropic => "anthropic",
        ProviderKinds.AzureOpenAi => "azure.ai.openai",
        ProviderKinds.Bedrock => "aws.bedrock",
        ProviderKinds.Gemini => "gcp.gemini",
        _ => "openai_compatible",
    };
}
