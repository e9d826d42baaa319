namespace Obot.Grains.Exports.Targets;

/// <summary>Where objects go. Writing an object again replaces it: that is what makes a resumed export free of duplicates.</summary>
internal interface IExportTarget : IDisposable
{
    /// <exception cref="ExportTargetException">It is not written.</exception>
    Task WriteAsync(string key, byte[] content, CancellationToken cancellationToken);

    /// <exception cref="ExportTargetException">It cannot be read.</exception>
    Task<byte[]> ReadAsync(string key, CancellationToken cancellationToken);

    /// <exception cref="ExportTargetException">It is not removed.</exception>
    Task DeleteAsync(string key, CancellationToken cancellationToken);
}

/// <param name="isLasting">Trying again without a change of settings is no use.</param>
internal sealed class ExportTargetException(string message, bool isLasting, Exception inner) : Exception(message, inner)
{
    public bool IsLasting { get; } = isLasting;
}
