using System.Globalization;

namespace Obot.Grains.Records;

/// <summary>Tables that are partitioned by day and kept for the same time.</summary>
/// <param name="RetentionDays">Asked anew each time.</param>
internal sealed record DayTables(IReadOnlyList<string> Names, Func<int> RetentionDays)
{
    private const string Format = "yyyyMMdd";

    public static DayTables Of<TRow>(RecordKind<TRow> kind) => new(kind.Tables, () => kind.RetentionDays);

    public static string Partition(string table, DateOnly day) => $"{table}_{day.ToString(Format, CultureInfo.InvariantCulture)}";

    /// <summary>Null for what is no partition of ours.</summary>
    public static DateOnly? DayOf(string table, string partition) =>
        partition.StartsWith($"{table}_", StringComparison.Ordinal)
        && DateOnly.TryParseExact(partition.AsSpan(table.Length + 1), Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : null;
}
