using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Obot.Data;

/// <summary>
/// Brings the database to the version of this binary: Orleans' tables and ours. Any number of silos may call it at once: an
/// advisory lock lets one of them work, and every step commits by itself with its version. Steps expand; they contract only
/// what the release before no longer touches, and say so by <c>min_compatible</c>.
/// </summary>
public static partial class SchemaUpgrade
{
    /// <summary>"obot" in ASCII.</summary>
    private const long LockKey = 0x6f626f74;

    /// <summary>The version of the schema that this binary knows.</summary>
    public static int Version => SchemaStep.All[^1].Version;

    /// <exception cref="SchemaTooNewException">The database has moved on to a form that this binary cannot work with.</exception>
    public static Task RunAsync(NpgsqlDataSource dataSource, ILogger? logger = null, CancellationToken cancellationToken = default) =>
        RunAsync(dataSource, SchemaStep.All, logger ?? NullLogger.Instance, cancellationToken);

    internal static async Task RunAsync(NpgsqlDataSource dataSource, IReadOnlyList<SchemaStep> steps, ILogger logger, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await Execute(connection, null, $"SELECT pg_advisory_lock({LockKey})", cancellationToken);
        try
        {
            await UpgradeAsync(connection, steps, logger, cancellationToken);
        }
        finally
        {
            // Not by the caller's token: a pooled connection must not keep the lock.
            await Execute(connection, null, $"SELECT pg_advisory_unlock({LockKey})", CancellationToken.None);
        }
    }

    private static async Task UpgradeAsync(NpgsqlConnection connection, IReadOnlyList<SchemaStep> steps, ILogger logger, CancellationToken cancellationToken)
    {
        await Execute(
            connection,
            null,
            """
            CREATE TABLE IF NOT EXISTS schema_info (
                singleton      boolean NOT NULL DEFAULT true CONSTRAINT pk_schema_info PRIMARY KEY CHECK (singleton),
                version        integer NOT NULL,
                min_compatible integer NOT NULL,
                changed_at     timestamptz NOT NULL DEFAULT now());
            INSERT INTO schema_info (version, min_compatible) VALUES (0, 0) ON CONFLICT DO NOTHING
            """,
            cancellationToken);

        var (version, minCompatible) = await ReadVersionAsync(connection, cancellationToken);
        var known = steps[^1].Version;
        if (minCompatible > known)
        {
            throw new SchemaTooNewException(version, minCompatible, known);
        }

        if (version > known)
        {
            // A newer binary was here first: what it left works for us, and its scripts of Orleans' tables stay.
            LogNewer(logger, version, known);
            return;
        }

        foreach (var step in steps.Where(step => step.Version > version))
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await Execute(connection, transaction, step.Sql, cancellationToken);
            await Execute(
                connection,
                transaction,
                $"UPDATE schema_info SET version = {step.Version}, min_compatible = greatest(min_compatible, {step.MinCompatible}), changed_at = now()",
                cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            LogStep(logger, step.Name);
        }

        await using var orleans = await connection.BeginTransactionAsync(cancellationToken);
        foreach (var script in SchemaStep.Orleans)
        {
            await Execute(connection, orleans, script, cancellationToken);
        }

        await orleans.CommitAsync(cancellationToken);
    }

    private static async Task<(int Version, int MinCompatible)> ReadVersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT version, min_compatible FROM schema_info", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt32(0), reader.GetInt32(1));
    }

    // Scripts come from this assembly and numbers from its own parser; there is no input of a user in here.
#pragma warning disable CA2100
    private static async Task Execute(NpgsqlConnection connection, NpgsqlTransaction? transaction, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection, transaction) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
#pragma warning restore CA2100

    [LoggerMessage(LogLevel.Information, "Database schema: {Step} applied")]
    private static partial void LogStep(ILogger logger, string step);

    [LoggerMessage(LogLevel.Warning, "Database schema is at version {Version}, newer than this binary's {Known}; it says that this binary can work with it")]
    private static partial void LogNewer(ILogger logger, int version, int known);
}

/// <summary>This binary is too old for the database.</summary>
public sealed class SchemaTooNewException(int version, int minCompatible, int known) : Exception(
    $"The database's schema (version {version}) needs a binary that knows version {minCompatible} at least; this one knows {known}. " +
    "Start a newer release, or restore the database from before the upgrade.");
