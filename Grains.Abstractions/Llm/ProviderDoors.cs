namespace Obot.Grains.Abstractions.Llm;

/// <summary>Where a provider hears what, and in which dialect.</summary>
public static class ProviderDoors
{
    /// <summary>The vendor's own address; null where it has none.</summary>
    public static string? DefaultBaseUrl(string kind, ModelProviderSettings settings) => kind switch
    {
        ProviderKinds.OpenAi => "https://api.openai.com/v1",
        ProviderKinds.Anthropic => "https://api.anthropic.com",
        ProviderKinds.Gemini => "https://generativelanguage.googleapis.com/v1beta/openai",
        ProviderKinds.Bedrock when settings.Region is { } region => $"https://bedrock-runtime.{region}.amazonaws.com",
        _ => null,
    };

    /// <summary>
    /// What the provider is told for what a caller said: the same where it speaks that dialect, else what the call is translated to. Null where
    /// there is no way.
    /// </summary>
    public static LlmOperation? Spoken(LlmProvider provider, string model, LlmOperation asked)
    {
        var isAnthropic = SpeaksAnthropic(provider, model);
        return asked switch
        {
            LlmOperation.Chat or LlmOperation.Messages => isAnthropic ? LlmOperation.Messages : LlmOperation.Chat,
            LlmOperation.Responses when isAnthropic => LlmOperation.Messages,
            LlmOperation.Responses => HasResponses(provider) ? LlmOperation.Responses : LlmOperation.Chat,
            LlmOperation.Embeddings => isAnthropic || provider.Kind == ProviderKinds.Bedrock ? null : LlmOperation.Embeddings,
            LlmOperation.CountTokens => provider.Kind == ProviderKinds.Anthropic ? LlmOperation.CountTokens : null,
            _ => null,
        };
    }

    public static Uri For(LlmProvider provider, LlmOperation operation, string model, bool stream)
    {
        var root = provider.BaseUrl;
        if (provider.Kind == ProviderKinds.Bedrock)
        {
            // one segment: ':' and '/' of model ids and ARNs are escaped
            return operation == LlmOperation.Messages
                ? new($"{root}/model/{Uri.EscapeDataString(model)}/{(stream ? "invoke-with-response-stream" : "invoke")}")
                : new($"{root}/openai/v1/chat/completions");
        }

        if (provider.Kind == ProviderKinds.Anthropic)
        {
            return new($"{root}{(operation switch { LlmOperation.Messages => "/v1/messages", LlmOperation.CountTokens => "/v1/messages/count_tokens", _ => "/v1/models?limit=1000" })}");
        }

        var prefix = provider.Kind == ProviderKinds.AzureOpenAi ? "/openai/v1" : "";
        return new($"{root}{prefix}{(operation switch
        {
            LlmOperation.Chat => "/chat/completions",
            LlmOperation.Responses => "/responses",
            LlmOperation.Embeddings => "/embeddings",
            _ => "/models",
        })}");
    }

    /// <summary>Bedrock lists models elsewhere than it runs them.</summary>
    public static Uri ModelsOf(LlmProvider provider) => provider.Kind == ProviderKinds.Bedrock
        ? new($"{provider.Settings.ControlURL?.TrimEnd('/') ?? $"https://bedrock.{provider.Settings.Region}.amazonaws.com"}/foundation-models")
        : For(provider, LlmOperation.ListModels, "", stream: false);

    private static bool SpeaksAnthropic(LlmProvider provider, string model) =>
        provider.Kind == ProviderKinds.Anthropic || (provider.Kind == ProviderKinds.Bedrock && model.Contains("anthropic.", StringComparison.Ordinal));

    private static bool HasResponses(LlmProvider provider) =>
        provider.Settings.Responses ?? provider.Kind is ProviderKinds.OpenAi or ProviderKinds.AzureOpenAi;
}
