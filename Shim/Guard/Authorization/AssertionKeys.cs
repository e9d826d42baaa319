using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Obot.Shim.Guard.Authorization;

/// <summary>The cluster's public keys: the P-256 members of a JSON Web Key Set (RFC 7517, RFC 7518 section 6.2).</summary>
internal sealed class AssertionKeys
{
    private readonly Dictionary<string, ECDsa> keys = new(StringComparer.Ordinal);

    private AssertionKeys()
    {
    }

    /// <exception cref="FormatException">The text is not a key set.</exception>
    public static AssertionKeys Parse(string jsonWebKeySet)
    {
        var set = new AssertionKeys();
        try
        {
            using var document = JsonDocument.Parse(jsonWebKeySet);
            foreach (var key in document.RootElement.GetProperty("keys").EnumerateArray())
            {
                if (key.GetProperty("kty").GetString() == "EC" && key.GetProperty("crv").GetString() == "P-256")
                {
                    set.keys[key.GetProperty("kid").GetString()!] = ECDsa.Create(new ECParameters
                    {
                        Curve = ECCurve.NamedCurves.nistP256,
                        Q = new() { X = Decode(key, "x"), Y = Decode(key, "y") },
                    });
                }
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or CryptographicException)
        {
            throw new FormatException($"The cluster's key set cannot be read: {e.Message}", e);
        }

        return set;
    }

    public ECDsa? Find(string? id) => id is not null && keys.TryGetValue(id, out var key) ? key : null;

    private static byte[] Decode(JsonElement key, string name) => Base64Url.DecodeFromChars(key.GetProperty(name).GetString());
}
