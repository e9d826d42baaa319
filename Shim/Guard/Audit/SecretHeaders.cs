using System.Collections.Concurrent;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Guard.Audit;

/// <summary>Which headers a record has: none of ours, and of those that carry credentials the name only.</summary>
internal sealed class SecretHeaders
{
    public const string Hidden = "***";
    private const int MaxRemembered = 500;

    private static readonly string[] Words = ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "credential", "signature"];

    private readonly ConcurrentDictionary<string, bool> known = new(StringComparer.OrdinalIgnoreCase);

    public static bool IsOurs(string name) => name.StartsWith(ObotHeaders.Prefix, StringComparison.OrdinalIgnoreCase);

    public bool IsSecret(string name)
    {
        if (known.TryGetValue(name, out var isSecret))
        {
            return isSecret;
        }

        isSecret = Array.Exists(Words, word => name.Contains(word, StringComparison.OrdinalIgnoreCase));
        if (known.Count < MaxRemembered)
        {
            known[name] = isSecret;
        }

        return isSecret;
    }
}
