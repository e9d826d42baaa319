using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Obot.Grains.ApiKeys;

/// <summary><c>obot_</c> + the first 8 characters of the key's id + <c>_</c> + 32 random bytes in base64url (43 characters).</summary>
internal static class ApiKeyFormat
{
    public const string IdPrefix = "ak1";
    private const string Start = "obot_";
    private const int IdLength = 8;
    private const int SecretLength = 43;
    private const int Length = 57;

    public static string New(string id) =>
        $"{PrefixOf(id)}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";

    /// <summary>What may be shown of a key.</summary>
    public static string PrefixOf(string id) => Start + id[..IdLength];

    public static bool LooksLike(string text) =>
        text.Length == Length
        && text.StartsWith(Start, StringComparison.Ordinal)
        && text[Start.Length + IdLength] == '_'
        && Base64Url.IsValid(text.AsSpan(Length - SecretLength));

    /// <summary>256 random bits need no slow hash: there is nothing to guess.</summary>
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
