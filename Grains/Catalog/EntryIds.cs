using System.Security.Cryptography;
using System.Text;

namespace Obot.Grains.Catalog;

/// <summary>
/// Ids of entries: of what a source holds, out of catalog, source and key, so that an entry which goes and comes back is the same one for
/// rules and clients; of what people make, random.
/// </summary>
internal static class EntryIds
{
    private const string Prefix = "me1";
    private const string Base32 = "abcdefghijklmnopqrstuvwxyz234567";
    private const int Digits = 10;

    public static bool IsOne(string id) => id.Length == Prefix.Length + Digits && id.StartsWith(Prefix, StringComparison.Ordinal);

    public static string New() => RandomId.New(Prefix);

    /// <param name="location">Address of the source without branch and folder.</param>
    public static string Of(string catalogId, string location, string key)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{catalogId}\n{location}\n{key}"));
        return string.Create(Prefix.Length + Digits, hash, static (text, bytes) =>
        {
            Prefix.CopyTo(text);
            for (var i = 0; i < Digits; i++)
            {
                text[Prefix.Length + i] = Base32[bytes[i] & 31];
            }
        });
    }
}
