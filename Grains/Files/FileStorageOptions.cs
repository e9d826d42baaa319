using Microsoft.Extensions.Options;

namespace Obot.Grains.Files;

/// <summary>Section <c>Obot:Files</c>: where the files of projects and conversations are, and how large they may be.</summary>
internal sealed class FileStorageOptions
{
    /// <summary><c>directory</c> (default) or <c>s3</c>.</summary>
    public string Storage { get; set; } = "directory";

    /// <summary>Of storage <c>directory</c>: shared by all silos. Default: <c>files</c> in the data folder.</summary>
    public string DirectoryPath { get; set; } = "";

    /// <summary>Of storage <c>s3</c>.</summary>
    public S3Options S3 { get; set; } = new();

    /// <summary>Default 1 GiB.</summary>
    public long MaxFileBytes { get; set; } = 1L << 30;

    /// <summary>All files of a project and its conversations together. Default 10 GiB.</summary>
    public long MaxProjectBytes { get; set; } = 10L << 30;

    /// <summary>How often what nobody refers to is removed from the storage. Default 30 s.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>An upload that took longer is given up. Default 6 h.</summary>
    public TimeSpan UploadTimeout { get; set; } = TimeSpan.FromHours(6);
}

/// <summary>Section <c>Obot:Files:S3</c>: Amazon S3, or what speaks like it.</summary>
internal sealed class S3Options
{
    public string Bucket { get; set; } = "";

    /// <summary>In front of every key, e.g. <c>obot/</c>. Default: none.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>Default: Amazon's of the region.</summary>
    public string? Endpoint { get; set; }

    /// <summary>Default <c>us-east-1</c>.</summary>
    public string? Region { get; set; }

    /// <summary>The bucket in the path instead of the host. Default: with an endpoint of one's own.</summary>
    public bool? PathStyle { get; set; }

    /// <summary><c>WHEN_SUPPORTED</c> (default), or <c>WHEN_REQUIRED</c> for storage that does not know the newer checksums.</summary>
    public string? ChecksumMode { get; set; }

    /// <summary>Default: the SDK's own chain (environment, profile, role of the machine).</summary>
    public string? AccessKeyId { get; set; }

    public string? SecretAccessKey { get; set; }

    /// <summary><c>AES256</c> or <c>aws:kms</c>; default: what the bucket does.</summary>
    public string? ServerSideEncryption { get; set; }
}

internal sealed class FileStorageOptionsValidator : IValidateOptions<FileStorageOptions>
{
    public ValidateOptionsResult Validate(string? name, FileStorageOptions options)
    {
        List<string> failures = [];
        if (options.Storage is not ("directory" or "s3"))
        {
            failures.Add("Obot:Files:Storage: 'directory' or 's3'.");
        }

        if (options.Storage == "s3" && options.S3.Bucket.Length == 0)
        {
            failures.Add("Obot:Files:S3:Bucket: the name of the bucket is missing.");
        }

        if (options.S3.Endpoint is { } endpoint && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
        {
            failures.Add("Obot:Files:S3:Endpoint: an http or https URL.");
        }

        if (options.S3.ChecksumMode is not (null or "WHEN_SUPPORTED" or "WHEN_REQUIRED"))
        {
            failures.Add("Obot:Files:S3:ChecksumMode: 'WHEN_SUPPORTED' or 'WHEN_REQUIRED'.");
        }

        if (options.MaxFileBytes <= 0 || options.MaxProjectBytes < options.MaxFileBytes || options.SweepInterval <= TimeSpan.Zero || options.UploadTimeout <= TimeSpan.Zero)
        {
            failures.Add("Obot:Files: MaxFileBytes, SweepInterval and UploadTimeout are above 0, MaxProjectBytes at least MaxFileBytes.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
