using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm;

/// <summary>Which vendor's client is talking.</summary>
internal enum LlmDialect
{
    OpenAi,
    Anthropic,
}

/// <summary>Where a request came in.</summary>
/// <param name="Model">Of <c>models/{model}</c>; null for the list and everything else.</param>
internal readonly record struct LlmDoor(LlmDialect Dialect, LlmOperation Operation, string? Model)
{
    public const string Prefix = "/api/llm-proxy";
    private const string OpenAi = "/openai/v1/";
    private const string Anthropic = "/anthropic/v1/";

    public bool IsList => Operation == LlmOperation.ListModels;

    /// <param name="rest">The path behind <see cref="Prefix"/>.</param>
    /// <returns>Null where nothing is.</returns>
    public static LlmDoor? Of(string rest)
    {
        var trimmed = rest.TrimEnd('/');
        return trimmed.StartsWith(OpenAi, StringComparison.Ordinal)
            ? trimmed[OpenAi.Length..] switch
            {
                "chat/completions" => new(LlmDialect.OpenAi, LlmOperation.Chat, null),
                "responses" => new(LlmDialect.OpenAi, LlmOperation.Responses, null),
                "embeddings" => new(LlmDialect.OpenAi, LlmOperation.Embeddings, null),
                var path => List(LlmDialect.OpenAi, path),
            }
            : trimmed.StartsWith(Anthropic, StringComparison.Ordinal)
                ? trimmed[Anthropic.Length..] switch
                {
                    "messages" => new(LlmDialect.Anthropic, LlmOperation.Messages, null),
                    "messages/count_tokens" => new(LlmDialect.Anthropic, LlmOperation.CountTokens, null),
                    var path => List(LlmDialect.Anthropic, path),
                }
                : null;
    }

    /// <summary>For errors where there is no door: by the vendor that the path begins with.</summary>
    public static LlmDialect DialectOf(string rest) => rest.StartsWith("/anthropic", StringComparison.Ordinal) ? LlmDialect.Anthropic : LlmDialect.OpenAi;

    public bool Takes(string method) => IsList ? HttpMethods.IsGet(method) : HttpMethods.IsPost(method);

    private static LlmDoor? List(LlmDialect dialect, string path) => path switch
    {
        "models" => new(dialect, LlmOperation.ListModels, null),
        _ when path.StartsWith("models/", StringComparison.Ordinal) => new(dialect, LlmOperation.ListModels, path[7..]),
        _ => null,
    };
}
