using System.Security.Cryptography;

namespace Obot.Grains;

/// <summary>Ids that people read and paste: a prefix for the kind of thing, then 50 random bits in lower-case base32.</summary>
internal static class RandomId
{
    private const string Base32 = "abcdefghijklmnopqrstuvwxyz234567";

    public static string New(string prefix) => prefix + RandomNumberGenerator.GetString(Base32, 10);
}
