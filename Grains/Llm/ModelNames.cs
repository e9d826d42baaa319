using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>What a model is for, guessed from its name: providers do not say. Administrators correct it.</summary>
internal static class ModelNames
{
    public static string UsageOf(string name)
    {
        bool Has(params string[] parts) => parts.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase));
        return name switch
        {
            _ when Has("embed", "bge-", "e5-") => ModelUsages.Embedding,
            _ when Has("dall-e", "gpt-image", "imagen", "stable-diffusion", "flux", "-image") => ModelUsages.Image,
            _ when Has("whisper", "tts", "transcribe", "moderation", "realtime", "audio", "rerank", "sora", "veo", "speech") => ModelUsages.Other,
            _ when Has("-vl", "llava", "-vision") => ModelUsages.Vision,
            _ => ModelUsages.Chat,
        };
    }
}
