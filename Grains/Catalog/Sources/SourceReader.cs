using Microsoft.Extensions.Options;
using Obot.Grains.Hosting;

namespace Obot.Grains.Catalog.Sources;

/// <summary>Reads a source of whichever kind, within its time.</summary>
internal sealed class SourceReader(IOptions<CatalogOptions> options, IOptions<HostingOptions> hosting, TimeProvider time)
{
    /// <exception cref="SourceException">It could not be read.</exception>
    public async Task<SourceFiles> ReadAsync(string url, string? credential, CancellationToken cancellationToken)
    {
        var source = SourceAddress.Parse(url) ?? throw new SourceException("Not an address of a Git repository and not an absolute directory.");
        using var patience = new CancellationTokenSource(options.Value.SourceTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return source.Scheme == SourceAddress.Directory
                ? await DirectoryReader.ReadAsync(source, options.Value, both.Token)
                : await GitReader.ReadAsync(source, credential, Path.Combine(hosting.Value.DataPath, "catalogs"), options.Value, both.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SourceException($"It was not read within {options.Value.SourceTimeout.TotalSeconds:0} s (Obot:Catalog:SourceTimeout).", e);
        }
    }
}
