using Npgsql;

namespace Obot.Grains.Records;

/// <summary>
/// One kind of append-only records: rows that arrive in batches, are never changed, are found by time and expire by the day. A kind says
/// where its rows go and how; <see cref="RecordWriter{TRow}"/> brings them there and <see cref="DayPartitions"/> keeps the days.
/// <para>
/// To store another kind: (1) a schema script with one or more tables <c>PARTITION BY RANGE (at)</c> and primary key <c>(at, id)</c>, <c>id</c> a
/// UUIDv7 made where the thing happened; (2) a subclass of this; (3) <c>services.AddRecordKind&lt;Row, Kind&gt;()</c>; (4) take
/// <see cref="RecordWriter{TRow}"/> and await <see cref="RecordWriter{TRow}.WriteAsync"/>: it returns after the commit and may be repeated with the same
/// rows. Encrypt what is secret before (<see cref="Ciphertext"/> then tells which data key the day needs). <c>Grains/Audit/AuditKind.cs</c> is an example.
/// </para>
/// </summary>
internal abstract class RecordKind<TRow>
{
    /// <summary>Partitioned tables that rows go to; all have their days.</summary>
    public abstract IReadOnlyList<string> Tables { get; }

    /// <summary>Days that are kept, today not counted.</summary>
    public abstract int RetentionDays { get; }

    /// <summary><c>CREATE TEMP TABLE … ON COMMIT DELETE ROWS</c>: where a batch arrives. Made once a connection.</summary>
    public abstract string Stage { get; }

    /// <summary><c>COPY … FROM STDIN (FORMAT BINARY)</c> into the stage.</summary>
    public abstract string Copy { get; }

    /// <summary>
    /// Moves the stage into the tables: <c>INSERT … SELECT … ON CONFLICT DO NOTHING</c>. A row that was there before must leave no second trace
    /// (roll-ups: count what <c>RETURNING</c> returns), and rows that several silos update are taken in the order of their keys.
    /// </summary>
    public abstract string Insert { get; }

    /// <summary>Column <c>at</c> of the row: the day that it belongs to.</summary>
    public abstract DateTimeOffset At(TRow row);

    /// <summary>Encrypted part of the row, as <c>IEncryption.Encrypt</c> returned it; empty where there is none.</summary>
    public virtual ReadOnlySpan<byte> Ciphertext(TRow row) => default;

    /// <summary>Writes the columns of <see cref="Copy"/>; the row has been started. Texts must not contain NUL (<see cref="RecordText.Clean"/>).</summary>
    public abstract void Write(NpgsqlBinaryImporter to, TRow row);
}

internal static class RecordText
{
    private const char Replacement = '\uFFFD';

    /// <summary>What PostgreSQL takes as text, and not longer than <paramref name="most"/> characters; null stays null.</summary>
    public static string? Clean(string? text, int most)
    {
        if (text is null)
        {
            return null;
        }

        if (text.Length > most)
        {
            text = text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)];
        }

        return text.Contains('\0', StringComparison.Ordinal) ? text.Replace('\0', Replacement) : text;
    }
}
