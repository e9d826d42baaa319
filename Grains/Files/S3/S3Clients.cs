using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace Obot.Grains.Files.S3;

/// <summary>Clients of Amazon S3, and of what speaks like it.</summary>
internal static class S3Clients
{
    public const string WhenRequired = "WHEN_REQUIRED";
    public const string DefaultRegion = "us-east-1";
    private const int MaxRetries = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="endpoint">Null for Amazon's of the region.</param>
    /// <param name="pathStyle">Null: with an endpoint.</param>
    /// <param name="accessKeyId">Null for the SDK's own chain.</param>
    public static AmazonS3Client New(string? endpoint, string? region, bool? pathStyle, string? checksumMode, string? accessKeyId, string? secret)
    {
        var whenRequired = checksumMode == WhenRequired;
        var config = new AmazonS3Config
        {
            ForcePathStyle = pathStyle ?? endpoint is not null,
            RequestChecksumCalculation = whenRequired ? RequestChecksumCalculation.WHEN_REQUIRED : RequestChecksumCalculation.WHEN_SUPPORTED,
            ResponseChecksumValidation = whenRequired ? ResponseChecksumValidation.WHEN_REQUIRED : ResponseChecksumValidation.WHEN_SUPPORTED,
            Timeout = Patience,
            MaxErrorRetry = MaxRetries,
            RetryMode = RequestRetryMode.Standard,
        };
        if (endpoint is not null)
        {
            config.ServiceURL = endpoint;
            config.AuthenticationRegion = region ?? DefaultRegion;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region ?? DefaultRegion);
        }

        return accessKeyId is not null ? new(new BasicAWSCredentials(accessKeyId, secret ?? ""), config) : new(config);
    }

    /// <summary>What to change, where the storage's own words do not say it; empty otherwise.</summary>
    public static string Advice(AmazonS3Exception e, string? checksumMode) => e.ErrorCode is "XAmzContentSHA256Mismatch" or "InvalidArgument" or "NotImplemented" or "SignatureDoesNotMatch" && checksumMode != WhenRequired
        ? " (older storage needs checksumMode 'WHEN_REQUIRED')"
        : "";
}
