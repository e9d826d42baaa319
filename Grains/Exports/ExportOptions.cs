namespace Obot.Grains.Exports;

/// <summary>Section <c>Obot:Exports</c>.</summary>
public sealed class ExportOptions
{
    /// <summary>Records of one object at most. Default 50,000.</summary>
    public int MaxRowsPerObject { get; set; } = 50_000;

    /// <summary>Bytes of one object before compression at most; the last record may go over it. Default 32 MiB.</summary>
    public int MaxBytesPerObject { get; set; } = 32 * 1024 * 1024;

    /// <summary>Times that an object is tried before the export has failed. Default 5.</summary>
    public int MaxAttempts { get; set; } = 5;

    /// <summary>How long after the end of a period its schedule exports it: records of guards may be on their way. Default 5 min.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromMinutes(5);
}
