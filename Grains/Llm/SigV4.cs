using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Obot.Grains.Llm;

/// <summary>AWS Signature Version 4 of one request with its body at hand (IAM User Guide, "Create a signed AWS API request").</summary>
internal static class SigV4
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    public static IReadOnlyList<KeyValuePair<string, string>> Sign(
        string method, Uri url, ReadOnlySpan<byte> body, string service, AwsIdentity identity, DateTimeOffset now)
    {
        var at = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var day = at[..8];
        var hash = Convert.ToHexStringLower(SHA256.HashData(body));
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = url.Authority, ["x-amz-content-sha256"] = hash, ["x-amz-date"] = at };
        if (identity.SessionToken is { } token)
        {
            headers["x-amz-security-token"] = token;
        }

        var signed = string.Join(';', headers.Keys);
        var canonical = new StringBuilder(method).Append('\n').Append(CanonicalPath(url)).Append('\n').Append(CanonicalQuery(url)).Append('\n');
        foreach (var (name, value) in headers)
        {
            canonical.Append(name).Append(':').Append(value).Append('\n');
        }

        canonical.Append('\n').Append(signed).Append('\n').Append(hash);
        var scope = $"{day}/{identity.Region}/{service}/aws4_request";
        var toSign = $"{Algorithm}\n{at}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        var key = new[] { day, identity.Region, service, "aws4_request" }
            .Aggregate(Encoding.UTF8.GetBytes("AWS4" + identity.SecretAccessKey), static (key, part) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part)));
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        return
        [
            .. headers.Where(header => header.Key != "host").Select(header => KeyValuePair.Create(header.Key, header.Value)),
            KeyValuePair.Create("Authorization", $"{Algorithm} Credential={identity.AccessKeyId}/{scope}, SignedHeaders={signed}, Signature={signature}"),
        ];
    }

    /// <summary>Every service but S3 signs the path escaped once more.</summary>
    private static string CanonicalPath(Uri url) => string.Join('/', url.AbsolutePath.Split('/').Select(Uri.EscapeDataString));

    private static string CanonicalQuery(Uri url) => string.Join('&', url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Contains('=', StringComparison.Ordinal) ? pair : pair + "=").Order(StringComparer.Ordinal));
}

internal sealed record AwsIdentity(string Region, string AccessKeyId, string SecretAccessKey, string? SessionToken)
{
    public override string ToString() => $"{AccessKeyId} in {Region}";
}
