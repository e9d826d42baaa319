using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Files.S3;

namespace Obot.Grains.Exports.Targets;

/// <summary>A bucket of S3, or of whatever speaks like it.</summary>
internal sealed class S3Target : IExportTarget
{
    private readonly AmazonS3Client _client;
    private readonly NewStorage _settings;

    public S3Target(NewStorage settings, string? secret)
    {
        _settings = settings;
        _client = S3Clients.New(settings.Endpoint, settings.Region, settings.PathStyle, settings.ChecksumMode, settings.AccessKeyID, secret);
    }

    public Task WriteAsync(string key, byte[] content, CancellationToken cancellationToken) => DoAsync(async () =>
    {
        using var stream = new MemoryStream(content, writable: false);
        var request = new PutObjectRequest { BucketName = _settings.Bucket, Key = key, InputStream = stream, ContentType = "application/gzip", AutoCloseStream = false };
        if (_settings.ServerSideEncryption is { } encryption)
        {
            request.ServerSideEncryptionMethod = ServerSideEncryptionMethod.FindValue(encryption);
            request.ServerSideEncryptionKeyManagementServiceKeyId = _settings.KmsKeyID;
        }

        await _client.PutObjectAsync(request, cancellationToken);
        return true;
    });

    public Task<byte[]> ReadAsync(string key, CancellationToken cancellationToken) => DoAsync(async () =>
    {
        using var answer = await _client.GetObjectAsync(_settings.Bucket, key, cancellationToken);
        using var content = new MemoryStream();
        await answer.ResponseStream.CopyToAsync(content, cancellationToken);
        return content.ToArray();
    });

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DoAsync(async () =>
    {
        await _client.DeleteObjectAsync(_settings.Bucket, key, cancellationToken);
        return true;
    });

    public void Dispose() => _client.Dispose();

    private async Task<T> DoAsync<T>(Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (AmazonS3Exception e)
        {
            // what the storage refuses it refuses again; too many requests and a clock that is off may pass
            var isLasting = e.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError && e.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout);
            throw new ExportTargetException($"Bucket '{_settings.Bucket}': {e.ErrorCode ?? e.StatusCode.ToString()}: {e.Message}{S3Clients.Advice(e, _settings.ChecksumMode)}", isLasting, e);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException or IOException or TimeoutException)
        {
            throw new ExportTargetException($"The storage at '{_settings.Endpoint ?? _settings.Region}' does not answer: {(e.InnerException ?? e).Message}", isLasting: false, e);
        }
    }
}

/// <summary>Words of settings.</summary>
internal static class StorageModes
{
    public const string S3 = "s3";
    public const string Azure = "azure";
    public const string Directory = "directory";
    public const string WhenSupported = "WHEN_SUPPORTED";
    public const string WhenRequired = S3Clients.WhenRequired;
    public const string Region = S3Clients.DefaultRegion;
}
