namespace Obot.Grains.Encryption;

/// <summary>Finds everything that is wrong with section <c>Obot:Encryption</c> at once.</summary>
public static class EncryptionOptionsValidator
{
    private static readonly string[] Providers = ["local", "aws", "azure", "gcp"];

    /// <summary>Pairs of key and what is allowed there.</summary>
    public static IEnumerable<(string Key, object Value, string Allowed)> Failures(EncryptionOptions options)
    {
        if (!Providers.Contains(options.Provider, StringComparer.OrdinalIgnoreCase))
        {
            yield return ("Provider", options.Provider, "one of " + string.Join(", ", Providers));
        }

        if (options.CacheFor < TimeSpan.FromSeconds(1) || options.CacheFor > TimeSpan.FromDays(1))
        {
            yield return ("CacheFor", options.CacheFor, "a duration from 00:00:01 to 1.00:00:00");
        }

        if (options.GraceWithoutKms < TimeSpan.Zero || options.GraceWithoutKms > TimeSpan.FromDays(30))
        {
            yield return ("GraceWithoutKms", options.GraceWithoutKms, "a duration from 00:00:00 to 30.00:00:00");
        }

        if (options.Timeout < TimeSpan.FromMilliseconds(100) || options.Timeout > TimeSpan.FromMinutes(1))
        {
            yield return ("Timeout", options.Timeout, "a duration from 00:00:00.1 to 00:01:00");
        }

        var key = new byte[options.Local.Key.Length];
        if (options.Local.Key.Length > 0 && !(Convert.TryFromBase64String(options.Local.Key, key, out var length) && length == 32))
        {
            yield return ("Local:Key", "…", "32 bytes in Base64, as `openssl rand -base64 32` prints them");
        }
    }
}
