using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Obot.Shim.Guard.Authorization;

/// <summary>Claims of an assertion whose signature is good.</summary>
internal sealed record AssertionClaims(string Subject, string Audience, string Role, string CredentialId, IReadOnlyList<string> Groups, DateTimeOffset Expires);

/// <summary>
/// Reads the one kind of token that a guard takes: a compact JWS (RFC 7515) with exactly <c>alg: ES256</c> and
/// <c>typ: obot-assertion+jwt</c>, signed by a key of the cluster. No other algorithm is known here, so none can be asked for. It is ours
/// and not a library's because it is the heart of the guard's data path, and the library made its binary a megabyte larger.
/// </summary>
internal static class SignedAssertion
{
    private const string Issuer = "obot";
    private const string Type = "obot-assertion+jwt";
    private const string Algorithm = "ES256";
    private const int MaxLength = 16384;
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    /// <summary>Null for whatever is not such a token. Audience and expiry are the caller's to compare.</summary>
    public static AssertionClaims? Read(string token, AssertionKeys keys)
    {
        var dot = token.IndexOf('.', StringComparison.Ordinal);
        var signatureDot = token.LastIndexOf('.');
        if (token.Length > MaxLength || dot <= 0 || signatureDot <= dot + 1)
        {
            return null;
        }

        try
        {
            using var header = Parse(token.AsSpan(0, dot));
            if (Text(header, "alg") != Algorithm || Text(header, "typ") != Type || keys.Find(Text(header, "kid")) is not { } key
                || !key.VerifyData(Encoding.ASCII.GetBytes(token, 0, signatureDot), Base64Url.DecodeFromChars(token.AsSpan(signatureDot + 1)), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
            {
                return null;
            }

            using var payload = Parse(token.AsSpan(dot + 1, signatureDot - dot - 1));
            return Text(payload, "iss") == Issuer && Text(payload, "sub") is { Length: > 0 } subject && Text(payload, "aud") is { } audience
                && payload.RootElement.TryGetProperty("exp", out var exp) && exp.TryGetInt64(out var seconds)
                ? new(subject, audience, Text(payload, "role") ?? "", Text(payload, "cid") ?? "", Groups(payload), DateTimeOffset.FromUnixTimeSeconds(seconds))
                : null;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    private static string[] Groups(JsonDocument payload) =>
        payload.RootElement.TryGetProperty("groups", out var groups) && groups.ValueKind is JsonValueKind.Array
            ? [.. groups.EnumerateArray().Where(group => group.ValueKind is JsonValueKind.String).Select(group => group.GetString()!)]
            : [];

    private static JsonDocument Parse(ReadOnlySpan<char> part) => JsonDocument.Parse(Base64Url.DecodeFromChars(part), Strict);

    private static string? Text(JsonDocument document, string name) =>
        document.RootElement.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}
