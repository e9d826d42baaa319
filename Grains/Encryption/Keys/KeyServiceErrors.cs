using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Encryption.Keys;

/// <summary>The same words for every provider.</summary>
internal static class KeyServiceErrors
{
    public static KeyServiceDeniedException Denied(IKeyWrapper wrapper, string keyId, string said, Exception? inner = null) =>
        new($"{wrapper.Provider} key '{keyId}' may not be used: {said}. Check that it is there and enabled, and that this silo's identity is allowed {wrapper.Permission}.", inner);

    public static KeyServiceUnreachableException Unreachable(IKeyWrapper wrapper, string keyId, string said, Exception? inner = null) =>
        new($"{wrapper.Provider} key '{keyId}' cannot be used at the moment: {said}.", inner);

    /// <summary>Another key than the configured ones would be the choice of whoever wrote the row.</summary>
    public static KeyServiceDeniedException NotConfigured(IKeyWrapper wrapper, string keyId, string section) =>
        new($"Data keys are wrapped by {wrapper.Provider} key '{keyId}', which is not '{wrapper.KeyId}'. If it was the key before, add it to {EncryptionOptions.Section}:{section}:PreviousKeys until nothing needs it.");

    /// <summary>What is bound to a wrapped key.</summary>
    public static string Binding(string context) => $"obot:data-key:{context}";

    public static bool IsTransient(int status) => status is 408 or 429 or >= 500;

    /// <summary>The first line of what a service answered, short enough for a log.</summary>
    public static string Short(string text) => text.AsSpan().Trim().ToString().ReplaceLineEndings(" ") is { Length: > 300 } long_ ? long_[..300] + "…" : text.Trim().ReplaceLineEndings(" ");
}
