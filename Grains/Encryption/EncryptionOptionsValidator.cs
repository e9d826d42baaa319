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

        foreach (var failure in Aws(options).Concat(Azure(options)).Concat(Google(options)))
        {
            yield return failure;
        }

        var key = new byte[options.Local.Key.Length];
        if (options.Local.Key.Length > 0 && !(Convert.TryFromBase64String(options.Local.Key, key, out var length) && length == 32))
        {
            yield return ("Local:Key", "…", "32 bytes in Base64, as `openssl rand -base64 32` prints them");
        }
    }

    private static IEnumerable<(string Key, object Value, string Allowed)> Aws(EncryptionOptions options)
    {
        if (Is(options, "aws") && options.Aws.KeyId.Length == 0)
        {
            yield return ("Aws:KeyId", options.Aws.KeyId, "id or ARN of the key that wraps data keys");
        }

        if (options.Aws.Endpoint.Length > 0 && !IsHttp(options.Aws.Endpoint))
        {
            yield return ("Aws:Endpoint", options.Aws.Endpoint, "an http:// or https:// address");
        }

        if (options.Aws.Endpoint.Length > 0 && options.Aws.Region.Length == 0)
        {
            yield return ("Aws:Region", options.Aws.Region, "the region to sign for, where Aws:Endpoint is set");
        }
    }

    private static IEnumerable<(string Key, object Value, string Allowed)> Azure(EncryptionOptions options)
    {
        if ((Is(options, "azure") || options.Azure.KeyUrl.Length > 0) && !IsKeyUrl(options.Azure.KeyUrl))
        {
            yield return ("Azure:KeyUrl", options.Azure.KeyUrl, "an address of the form https://{vault}.vault.azure.net/keys/{name}[/{version}]");
        }

        if (options.Azure.Algorithm is not ("RSA-OAEP-256" or "A256KW"))
        {
            yield return ("Azure:Algorithm", options.Azure.Algorithm, "RSA-OAEP-256 or A256KW");
        }
    }

    private static IEnumerable<(string Key, object Value, string Allowed)> Google(EncryptionOptions options)
    {
        if ((Is(options, "gcp") || options.Google.KeyName.Length > 0) && options.Google.KeyName.Split('/') is not ["projects", _, "locations", _, "keyRings", _, "cryptoKeys", { Length: > 0 }])
        {
            yield return ("Google:KeyName", options.Google.KeyName, "projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}");
        }

        if (!IsHttp(options.Google.Endpoint))
        {
            yield return ("Google:Endpoint", options.Google.Endpoint, "an http:// or https:// address");
        }
    }

    private static bool Is(EncryptionOptions options, string provider) => options.Provider.Equals(provider, StringComparison.OrdinalIgnoreCase);

    private static bool IsHttp(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";

    private static bool IsKeyUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == "https" && url.Query.Length == 0 && url.AbsolutePath.Trim('/').Split('/') is ["keys", { Length: > 0 }] or ["keys", { Length: > 0 }, { Length: > 0 }];
}
