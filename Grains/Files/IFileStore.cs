namespace Obot.Grains.Files;

/// <summary>Where the contents of files are: objects under keys of ours. An object is there whole or not at all.</summary>
internal interface IFileStore
{
    /// <summary>Reads the content to its end, in constant memory.</summary>
    /// <exception cref="Abstractions.Files.StorageUnavailableException">It is not written.</exception>
    Task WriteAsync(string key, Stream content, CancellationToken cancellationToken);

    /// <exception cref="Abstractions.Files.StorageUnavailableException">It cannot be read.</exception>
    Task<Stream> OpenAsync(string key, CancellationToken cancellationToken);

    /// <summary>What is not there counts as deleted.</summary>
    /// <exception cref="Abstractions.Files.StorageUnavailableException">It may still be there.</exception>
    Task DeleteAsync(string key, CancellationToken cancellationToken);
}
