using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Obot.Grains.Abstractions.Sessions;

/// <summary>Keys of sessions: 256 random bits in base64url. What is stored, listed and logged is the id.</summary>
public static class SessionKey
{
    public const string IdPrefix = "us1";

    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary><c>us1</c> + the first 160 bits of the key's SHA-256 in lower-case hexadecimal.</summary>
    public static string IdOf(string key) => IdPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 20));
}
