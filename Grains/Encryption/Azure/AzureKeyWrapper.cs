using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Encryption.Azure;

/// <summary>
/// Azure Key Vault by REST (<c>wrapkey</c>, <c>unwrapkey</c>, API 7.4). It knows no associated data: a digest of the binding is wrapped
/// beside the key and compared afterwards.
/// </summary>
internal sealed class AzureKeyWrapper : IKeyWrapper
{
    public const string Name = "azure";
    private const string ApiVersion = "7.4";
    private const int Digest = 32;
    private readonly EncryptionOptions.AzureOptions options;
    private readonly HttpPipeline pipeline;

    public AzureKeyWrapper(EncryptionOptions.AzureOptions options, TokenCredential credential, HttpPipelineTransport? transport = null)
    {
        this.options = options;
        var client = new VaultOptions();

        // repetitions are ours, for every provider the same; bodies are keys, and are not logged
        client.Retry.MaxRetries = 0;
        client.Diagnostics.IsLoggingContentEnabled = false;
        client.Diagnostics.IsTelemetryEnabled = false;
        client.Transport = transport ?? client.Transport;
        pipeline = HttpPipelineBuilder.Build(client, new VaultChallengePolicy(credential));
    }

    public string Provider => Name;

    public string KeyId => options.KeyUrl.TrimEnd('/');

    public string Permission => "wrapKey, unwrapKey and get (role 'Key Vault Crypto Service Encryption User')";

    public static TokenCredential Credential(EncryptionOptions.AzureOptions options) => new DefaultAzureCredential(new DefaultAzureCredentialOptions
    {
        TenantId = options.TenantId is { Length: > 0 } tenant ? tenant : null,
        ManagedIdentityClientId = options.ClientId is { Length: > 0 } client ? client : null,
        WorkloadIdentityClientId = options.ClientId is { Length: > 0 } workload ? workload : null,
    });

    public async Task<WrappedKey> WrapAsync(ReadOnlyMemory<byte> key, string context, CancellationToken cancellationToken)
    {
        byte[] bound = [.. key.Span, .. DigestOf(context)];
        var url = Parts(KeyId) == 3 ? KeyId : await LatestAsync(cancellationToken);
        var answer = await SendAsync(RequestMethod.Post, url, "wrapkey", bound, cancellationToken);
        CryptographicOperations.ZeroMemory(bound);
        return new(answer.GetProperty("kid").GetString() ?? url, Base64Url.DecodeFromChars(answer.GetProperty("value").GetString()));
    }

    public async Task<byte[]> UnwrapAsync(WrappedKey wrapped, string context, CancellationToken cancellationToken)
    {
        // the address comes out of the database, and a token goes to it
        if (!options.PreviousKeys.Append(KeyId).Any(known => IsVersionOf(wrapped.KeyId, known.TrimEnd('/'))))
        {
            throw KeyServiceErrors.NotConfigured(this, wrapped.KeyId, "Azure");
        }

        var answer = await SendAsync(RequestMethod.Post, wrapped.KeyId, "unwrapkey", wrapped.Bytes, cancellationToken);
        var bound = Base64Url.DecodeFromChars(answer.GetProperty("value").GetString());
        return bound.Length > Digest && CryptographicOperations.FixedTimeEquals(bound.AsSpan(^Digest..), DigestOf(context))
            ? bound[..^Digest]
            : throw KeyServiceErrors.Denied(this, wrapped.KeyId, $"what it unwrapped was not wrapped for data key '{context}'; the row of data_keys was changed or moved");
    }

    /// <summary><c>keys</c>, name, and version if there is one.</summary>
    private static int Parts(string keyUrl) => new Uri(keyUrl).AbsolutePath.Trim('/').Split('/').Length;

    private static bool IsVersionOf(string keyUrl, string known) =>
        keyUrl.Equals(known, StringComparison.OrdinalIgnoreCase)
        || (Parts(known) == 2 && keyUrl.StartsWith(known + "/", StringComparison.OrdinalIgnoreCase) && Parts(keyUrl) == 3);

    private static byte[] DigestOf(string context) => SHA256.HashData(Encoding.UTF8.GetBytes(KeyServiceErrors.Binding(context)));

    private async Task<string> LatestAsync(CancellationToken cancellationToken)
    {
        var key = await SendAsync(RequestMethod.Get, KeyId, verb: null, value: null, cancellationToken);
        var kid = key.GetProperty("key").GetProperty("kid").GetString()!;
        return IsVersionOf(kid, KeyId) ? kid : throw KeyServiceErrors.Denied(this, KeyId, $"the vault answered with another key, '{KeyServiceErrors.Short(kid)}'");
    }

    private async Task<JsonElement> SendAsync(RequestMethod method, string keyUrl, string? verb, byte[]? value, CancellationToken cancellationToken)
    {
        using var message = pipeline.CreateMessage();
        message.Request.Method = method;
        message.Request.Uri.Reset(new Uri($"{keyUrl}{(verb is null ? "" : "/" + verb)}?api-version={ApiVersion}"));
        message.Request.Headers.Add("Accept", "application/json");
        if (value is not null)
        {
            message.Request.Headers.Add("Content-Type", "application/json");
            message.Request.Content = RequestContent.Create(JsonSerializer.SerializeToUtf8Bytes(new { alg = options.Algorithm, value = Base64Url.EncodeToString(value) }));
        }

        try
        {
            await pipeline.SendAsync(message, cancellationToken);
            if (!message.Response.IsError)
            {
                using var document = JsonDocument.Parse(message.Response.Content.ToMemory());
                return document.RootElement.Clone();
            }
        }
        catch (Exception e) when (e is RequestFailedException or AuthenticationFailedException or JsonException or HttpRequestException or IOException)
        {
            throw KeyServiceErrors.Unreachable(this, keyUrl, KeyServiceErrors.Short(e.Message), e);
        }

        var status = message.Response.Status;
        var said = $"{status}, {KeyServiceErrors.Short(message.Response.Content.ToString())}";
        throw KeyServiceErrors.IsTransient(status) ? KeyServiceErrors.Unreachable(this, keyUrl, said) : KeyServiceErrors.Denied(this, keyUrl, said);
    }

    private sealed class VaultOptions : ClientOptions;
}
