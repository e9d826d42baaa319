using Amazon;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Encryption.Aws;

/// <summary>AWS KMS, with the credentials that the SDK finds (environment, profile, container, instance).</summary>
internal sealed class AwsKeyWrapper : IKeyWrapper, IDisposable
{
    public const string Name = "aws";
    private const string ContextKey = "obot:data-key";

    /// <summary>Codes of answers that pass, beside those with their own type.</summary>
    private static readonly HashSet<string> Passing = new(
        ["ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException", "ExpiredTokenException", "ServiceUnavailable", "InternalFailure", "RequestTimeout"],
        StringComparer.Ordinal);

    private readonly AmazonKeyManagementServiceClient client;
    private readonly EncryptionOptions.AwsOptions options;

    public AwsKeyWrapper(EncryptionOptions.AwsOptions options, TimeSpan timeout, AWSCredentials? credentials = null)
    {
        this.options = options;

        // repetitions are ours, for every provider the same
        var config = new AmazonKeyManagementServiceConfig { MaxErrorRetry = 0, Timeout = timeout };
        if (options.Region.Length > 0)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }

        if (options.Endpoint.Length > 0)
        {
            (config.ServiceURL, config.AuthenticationRegion) = (options.Endpoint, options.Region);
        }

        client = credentials is null ? new(config) : new(credentials, config);
    }

    public string Provider => Name;

    public string KeyId => options.KeyId;

    public string Permission => "kms:Encrypt and kms:Decrypt";

    public void Dispose() => client.Dispose();

    public Task<WrappedKey> WrapAsync(ReadOnlyMemory<byte> key, string context, CancellationToken cancellationToken) => TryAsync(KeyId, async () =>
    {
        using var plain = new MemoryStream(key.ToArray());
        var answer = await client.EncryptAsync(new EncryptRequest { KeyId = KeyId, Plaintext = plain, EncryptionContext = Context(context) }, cancellationToken);
        return new WrappedKey(KeyId, answer.CiphertextBlob.ToArray());
    });

    public Task<byte[]> UnwrapAsync(WrappedKey wrapped, string context, CancellationToken cancellationToken)
    {
        if (wrapped.KeyId != KeyId && !options.PreviousKeys.Contains(wrapped.KeyId, StringComparer.Ordinal))
        {
            throw KeyServiceErrors.NotConfigured(this, wrapped.KeyId, "Aws");
        }

        return TryAsync(wrapped.KeyId, async () =>
        {
            using var blob = new MemoryStream(wrapped.Bytes);
            var answer = await client.DecryptAsync(new DecryptRequest { KeyId = wrapped.KeyId, CiphertextBlob = blob, EncryptionContext = Context(context) }, cancellationToken);
            return answer.Plaintext.ToArray();
        });
    }

    private static Dictionary<string, string> Context(string context) => new(StringComparer.Ordinal) { [ContextKey] = context };

    private async Task<TResult> TryAsync<TResult>(string keyId, Func<Task<TResult>> ask)
    {
        try
        {
            return await ask();
        }
        catch (AmazonServiceException e) when (e is KMSInternalException or DependencyTimeoutException or KeyUnavailableException or Amazon.KeyManagementService.Model.LimitExceededException
            || KeyServiceErrors.IsTransient((int)e.StatusCode) || Passing.Contains(e.ErrorCode ?? "") || (int)e.StatusCode == 0)
        {
            throw KeyServiceErrors.Unreachable(this, keyId, $"{e.ErrorCode ?? "no answer"}, {KeyServiceErrors.Short(e.Message)}", e);
        }
        catch (AmazonServiceException e)
        {
            throw KeyServiceErrors.Denied(this, keyId, $"{e.ErrorCode}, {KeyServiceErrors.Short(e.Message)}", e);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException or IOException)
        {
            throw KeyServiceErrors.Unreachable(this, keyId, KeyServiceErrors.Short(e.Message), e);
        }
    }
}
