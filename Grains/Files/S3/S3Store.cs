using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Files;

namespace Obot.Grains.Files.S3;

/// <summary>A bucket. What is larger than one part goes up in parts, so that memory stays what two parts take.</summary>
internal sealed class S3Store(IOptions<FileStorageOptions> options) : IFileStore, IDisposable
{
    private const long PartBytes = 8 * 1024 * 1024;
    private readonly AmazonS3Client _client = S3Clients.New(
        options.Value.S3.Endpoint, options.Value.S3.Region, options.Value.S3.PathStyle, options.Value.S3.ChecksumMode, options.Value.S3.AccessKeyId, options.Value.S3.SecretAccessKey);

    private S3Options Settings => options.Value.S3;

    public Task WriteAsync(string key, Stream content, CancellationToken cancellationToken) => DoAsync(async () =>
    {
        using var transfer = new TransferUtility(_client, new TransferUtilityConfig { ConcurrentServiceRequests = 1 });
        var request = new TransferUtilityUploadRequest { BucketName = Settings.Bucket, Key = Settings.Prefix + key, InputStream = content, PartSize = PartBytes, AutoCloseStream = false };
        if (Settings.ServerSideEncryption is { } encryption)
        {
            request.ServerSideEncryptionMethod = ServerSideEncryptionMethod.FindValue(encryption);
        }

        await transfer.UploadAsync(request, cancellationToken);
        return true;
    });

    public Task<Stream> OpenAsync(string key, CancellationToken cancellationToken) => DoAsync(async () =>
        (await _client.GetObjectAsync(Settings.Bucket, Settings.Prefix + key, cancellationToken)).ResponseStream);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DoAsync(async () =>
        await _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = Settings.Bucket, Key = Settings.Prefix + key }, cancellationToken) is not null);

    public void Dispose() => _client.Dispose();

    private async Task<T> DoAsync<T>(Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (AmazonS3Exception e)
        {
            throw new StorageUnavailableException($"Bucket '{Settings.Bucket}' (Obot:Files:S3): {e.ErrorCode ?? e.StatusCode.ToString()}: {e.Message}{S3Clients.Advice(e, Settings.ChecksumMode)}", e);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException)
        {
            throw new StorageUnavailableException($"The storage at '{Settings.Endpoint ?? Settings.Region ?? S3Clients.DefaultRegion}' (Obot:Files:S3) does not answer: {(e.InnerException ?? e).Message}", e);
        }
    }
}
