using System.Runtime.CompilerServices;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <inheritdoc cref="ILlmCredentials"/>
internal sealed class LlmCredentials(EntraTokens entra, TimeProvider time) : ILlmCredentials
{
    private readonly ConditionalWeakTable<LlmProvider, KeyValuePair<string, string>[]> constant = [];

    public ValueTask<IReadOnlyList<KeyValuePair<string, string>>> HeadersFor(LlmProvider provider, LlmRequest request, CancellationToken cancellationToken)
    {
        if (provider.Kind == ProviderKinds.Bedrock)
        {
            var identity = new AwsIdentity(
                provider.Settings.Region!, provider.Settings.AccessKeyId!, provider.Credentials["secretAccessKey"], provider.Credentials.GetValueOrDefault("sessionToken"));
            return new([.. SigV4.Sign(request.Method, request.Url, request.Body.Span, "bedrock", identity, time.GetUtcNow()), .. Extra(provider)]);
        }

        return provider is { Kind: ProviderKinds.AzureOpenAi, Settings.ClientId: not null }
            ? new(WithTokenAsync(provider, cancellationToken))
            : new(constant.GetValue(provider, static provider => [.. Key(provider), .. Extra(provider)]));
    }

    private async Task<IReadOnlyList<KeyValuePair<string, string>>> WithTokenAsync(LlmProvider provider, CancellationToken cancellationToken) =>
        [new("Authorization", $"Bearer {await entra.OfAsync(provider, cancellationToken)}"), .. Extra(provider)];

    private static KeyValuePair<string, string>[] Key(LlmProvider provider) => (provider.Kind, provider.Credentials.GetValueOrDefault("apiKey")) switch
    {
        (ProviderKinds.OpenAiCompatible, null) => [],
        (_, null) => throw new InvalidOperationException($"Provider '{provider.Id}' has no API key."),
        (ProviderKinds.Anthropic, { } key) => [new("x-api-key", key), new("anthropic-version", "2023-06-01")],
        (ProviderKinds.AzureOpenAi, { } key) => [new("api-key", key)],
        (_, { } key) => [new("Authorization", $"Bearer {key}")],
    };

    private static IEnumerable<KeyValuePair<string, string>> Extra(LlmProvider provider) => provider.Settings.Headers ?? new Dictionary<string, string>(StringComparer.Ordinal);
}
