using System.Net;
using Azure;
using Azure.Core;
using Azure.Identity;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Obot.Grains.Abstractions.Exports;

namespace Obot.Grains.Exports.Targets;

/// <summary>A container of Azure Blob Storage: endpoint = the account's blob endpoint, bucket = container, access key = account and its key.</summary>
internal sealed class AzureTarget : IExportTarget
{
    private const int MaxRetries = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly BlobContainerClient _container;
    private readonly NewStorage _settings;

    public AzureTarget(NewStorage settings, string? secret)
    {
        _settings = settings;
        var options = new BlobClientOptions { Retry = { MaxRetries = MaxRetries, NetworkTimeout = Patience, Mode = RetryMode.Exponential } };
        var uri = new Uri($"{settings.Endpoint!.TrimEnd('/')}/{settings.Bucket}");
        _container = settings.AccessKeyID is { } account
            ? new(uri, new StorageSharedKeyCredential(account, secret ?? ""), options)
            : new(uri, new DefaultAzureCredential(), options);
    }

    public Task WriteAsync(string key, byte[] content, CancellationToken cancellationToken) => DoAsync(() => _container.GetBlobClient(key).UploadAsync(
        new BinaryData(content), new BlobUploadOptions { HttpHeaders = new() { ContentType = "application/gzip" } }, cancellationToken));

    public Task<byte[]> ReadAsync(string key, CancellationToken cancellationToken) => DoAsync(async () =>
        (await _container.GetBlobClient(key).DownloadContentAsync(cancellationToken)).Value.Content.ToArray());

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DoAsync(() => _container.GetBlobClient(key).DeleteIfExistsAsync(cancellationToken: cancellationToken));

    public void Dispose()
    {
        // the client holds nothing of its own
    }

    private async Task<T> DoAsync<T>(Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (RequestFailedException e) when (e.Status >= 400)
        {
            var isLasting = e.Status < (int)HttpStatusCode.InternalServerError && e.Status is not ((int)HttpStatusCode.TooManyRequests or (int)HttpStatusCode.RequestTimeout);
            throw new ExportTargetException($"Container '{_settings.Bucket}': {e.ErrorCode ?? e.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)}: {e.Message.Split('\n')[0]}", isLasting, e);
        }
        catch (Exception e) when (e is RequestFailedException or AuthenticationFailedException or AggregateException or HttpRequestException or IOException)
        {
            throw new ExportTargetException($"The storage at '{_settings.Endpoint}' does not answer: {(e.InnerException ?? e).Message.Split('\n')[0]}", isLasting: false, e);
        }
    }
}
