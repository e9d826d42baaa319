using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Auth.OAuth2.Responses;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Encryption.Google;

/// <summary>
/// Google Cloud KMS by REST (<c>cloudkms/v1</c>, <c>:encrypt</c> and <c>:decrypt</c>), with application default credentials. Both ways
/// are guarded by CRC32C, as Google asks of its clients.
/// </summary>
internal sealed class GoogleKeyWrapper(EncryptionOptions.GoogleOptions options, HttpClient http, Func<CancellationToken, Task<ITokenAccess>> credentials) : IKeyWrapper, IDisposable
{
    public const string Name = "gcp";
    public const string Scope = "https://www.googleapis.com/auth/cloudkms";
    private readonly string endpoint = options.Endpoint.TrimEnd('/');

    public GoogleKeyWrapper(EncryptionOptions.GoogleOptions options)
        : this(options, new HttpClient { MaxResponseContentBufferSize = 64 * 1024 }, async token => (await GoogleCredential.GetApplicationDefaultAsync(token)).CreateScoped(Scope))
    {
    }

    public string Provider => Name;

    public string KeyId => options.KeyName;

    public string Permission => "cloudkms.cryptoKeyVersions.useToEncrypt and useToDecrypt";

    public void Dispose() => http.Dispose();

    public async Task<WrappedKey> WrapAsync(ReadOnlyMemory<byte> key, string context, CancellationToken cancellationToken)
    {
        var associated = Encoding.UTF8.GetBytes(KeyServiceErrors.Binding(context));
        var answer = await PostAsync<EncryptAnswer>(
            KeyId, "encrypt", new(Plaintext: key.ToArray(), PlaintextCrc32c: Crc(key.Span), AdditionalAuthenticatedData: associated, AdditionalAuthenticatedDataCrc32c: Crc(associated)), cancellationToken);
        if (answer is not { Ciphertext: { } ciphertext, VerifiedPlaintextCrc32c: true, VerifiedAdditionalAuthenticatedDataCrc32c: true } || answer.CiphertextCrc32c != Crc(ciphertext))
        {
            throw Damaged(KeyId);
        }

        return new(KeyId, ciphertext);
    }

    public async Task<byte[]> UnwrapAsync(WrappedKey wrapped, string context, CancellationToken cancellationToken)
    {
        if (wrapped.KeyId != KeyId && !options.PreviousKeys.Contains(wrapped.KeyId, StringComparer.Ordinal))
        {
            throw KeyServiceErrors.NotConfigured(this, wrapped.KeyId, "Google");
        }

        var associated = Encoding.UTF8.GetBytes(KeyServiceErrors.Binding(context));
        var answer = await PostAsync<DecryptAnswer>(
            wrapped.KeyId, "decrypt", new(Ciphertext: wrapped.Bytes, CiphertextCrc32c: Crc(wrapped.Bytes), AdditionalAuthenticatedData: associated, AdditionalAuthenticatedDataCrc32c: Crc(associated)), cancellationToken);
        return answer.Plaintext is { } plaintext && answer.PlaintextCrc32c == Crc(plaintext) ? plaintext : throw Damaged(wrapped.KeyId);
    }

    /// <summary>CRC-32C (RFC 3720, appendix B.4), as a decimal number in a string: int64 of proto3 JSON.</summary>
    internal static string Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return (~crc).ToString(CultureInfo.InvariantCulture);
    }

    private KeyServiceUnreachableException Damaged(string keyId) =>
        KeyServiceErrors.Unreachable(this, keyId, "a checksum (CRC32C) says that bytes were damaged on the way");

    private async Task<TAnswer> PostAsync<TAnswer>(string keyId, string verb, Question question, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{endpoint}/v1/{keyId}:{verb}") { Content = JsonContent.Create(question, options: Json) };
            var access = await credentials(cancellationToken);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await access.GetAccessTokenForRequestAsync(endpoint, cancellationToken));
            using var response = await http.SendAsync(request, cancellationToken);
            if (response.IsSuccessStatusCode)
            {
                return await response.Content.ReadFromJsonAsync<TAnswer>(Json, cancellationToken) ?? throw Damaged(keyId);
            }

            var status = (int)response.StatusCode;
            var said = $"{status}, {KeyServiceErrors.Short(await response.Content.ReadAsStringAsync(cancellationToken))}";
            throw KeyServiceErrors.IsTransient(status) ? KeyServiceErrors.Unreachable(this, keyId, said) : KeyServiceErrors.Denied(this, keyId, said);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or TokenResponseException or InvalidOperationException)
        {
            // no credentials at all (InvalidOperationException) is what a machine looks like whose metadata server is not up yet
            throw KeyServiceErrors.Unreachable(this, keyId, KeyServiceErrors.Short(e.Message), e);
        }
    }

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    private sealed record Question(
        byte[]? Plaintext = null, string? PlaintextCrc32c = null, byte[]? Ciphertext = null, string? CiphertextCrc32c = null, byte[]? AdditionalAuthenticatedData = null, string? AdditionalAuthenticatedDataCrc32c = null);

    private sealed record EncryptAnswer(byte[]? Ciphertext, string? CiphertextCrc32c, bool VerifiedPlaintextCrc32c, bool VerifiedAdditionalAuthenticatedDataCrc32c);

    private sealed record DecryptAnswer(byte[]? Plaintext, string? PlaintextCrc32c);
}
