using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Obot.Data.Tests;

public sealed class SchemaUpgradeTests(PostgresFixture postgres)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upgrade_FourAtOnceOnAnEmptyDatabase_AllSucceedAndEveryStepRanOnce()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => SchemaUpgrade.RunAsync(database, cancellationToken: Token)));

        Assert.Equal(SchemaUpgrade.Version, await Scalar<int>(database, "SELECT version FROM schema_info"));
        Assert.Equal(1L, await Scalar<long>(database, "SELECT count(*) FROM users WHERE id = 'bootstrap' AND name = 'Owner' AND role = 'Owner'"));
        Assert.Equal(1L, await Scalar<long>(database, "SELECT count(*) FROM security_head"));
        Assert.Equal(0L, await Scalar<long>(database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"));
    }

    [Fact]
    public async Task Upgrade_RunAgain_ChangesNothing()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);
        var before = await Catalog(database);

        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);

        Assert.Equal(before, await Catalog(database));
    }

    [Fact]
    public async Task Upgrade_QueryOfAnOlderRelease_IsReplaced()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);
        await Execute(database, "UPDATE orleansquery SET querytext = 'old' WHERE querykey = 'ReadReminderRowKey'");

        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);

        Assert.Equal(0L, await Scalar<long>(database, "SELECT count(*) FROM orleansquery WHERE querytext = 'old'"));
    }

    [Fact]
    public async Task Upgrade_DatabaseNeedsANewerBinary_IsRefusedWithBothVersions()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);
        await Execute(database, "UPDATE schema_info SET version = 900, min_compatible = 899");

        var refusal = await Assert.ThrowsAsync<SchemaTooNewException>(() => SchemaUpgrade.RunAsync(database, cancellationToken: Token));

        Assert.Contains("899", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"this one knows {SchemaUpgrade.Version}", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(900, await Scalar<int>(database, "SELECT version FROM schema_info"));
    }

    [Fact]
    public async Task Upgrade_NewerDatabaseThatStillSuits_IsLeftAlone()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);
        await Execute(database, "UPDATE schema_info SET version = 900; UPDATE orleansquery SET querytext = 'newer'");

        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);

        Assert.Equal(0L, await Scalar<long>(database, "SELECT count(*) FROM orleansquery WHERE querytext <> 'newer'"));
    }

    [Fact]
    public async Task Upgrade_StepFails_EarlierStepsStayAndTheFailedOneLeavesNothing()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        SchemaStep good = new(1, 1, "good", "CREATE TABLE good (id int)");
        SchemaStep bad = new(2, 2, "bad", "CREATE TABLE half (id int); SELECT 1 / 0");

        await Assert.ThrowsAsync<PostgresException>(() => SchemaUpgrade.RunAsync(database, [good, bad], NullLogger.Instance, Token));

        Assert.Equal(1, await Scalar<int>(database, "SELECT version FROM schema_info"));
        Assert.Equal(1, await Scalar<int>(database, "SELECT min_compatible FROM schema_info"));
        Assert.Equal(1L, await Scalar<long>(database, "SELECT count(*) FROM pg_tables WHERE tablename IN ('good', 'half')"));

        await SchemaUpgrade.RunAsync(database, [good, bad with { Sql = "CREATE TABLE half (id int)" }], NullLogger.Instance, Token);
        Assert.Equal(2, await Scalar<int>(database, "SELECT version FROM schema_info"));
    }

    [Fact]
    public async Task Model_OfEntityFramework_IsWhatTheScriptsMake()
    {
        await using var byScripts = await postgres.CreateDatabaseAsync(Token);
        await SchemaUpgrade.RunAsync(byScripts, cancellationToken: Token);
        await using var byModel = await postgres.CreateDatabaseAsync(Token);
        await using var model = new ObotDb((DbContextOptions<ObotDb>)new DbContextOptionsBuilder<ObotDb>().UseObot(byModel).Options);
        await Execute(byModel, model.Database.GenerateCreateScript());

        Assert.Equal(await Catalog(byModel), [.. (await Catalog(byScripts)).Where(IsOfTheModel)]);

        static bool IsOfTheModel(string line) => !line.StartsWith("orleans", StringComparison.Ordinal) && !line.StartsWith("schema_info", StringComparison.Ordinal) && !line.StartsWith("security_head", StringComparison.Ordinal)
            && !OfRecords.Any(table => line.StartsWith(table, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Announce_TwoTransactionsAtOnce_RevisionsFollowCommits()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            await using var db = new ObotDb((DbContextOptions<ObotDb>)new DbContextOptionsBuilder<ObotDb>().UseObot(database).Options);
            await using var transaction = await db.Database.BeginTransactionAsync(Token);
            await db.AnnounceAsync("api-key", $"k{i}", Token);
            await transaction.CommitAsync(Token);
        }));

        Assert.Equal(8L, await Scalar<long>(database, "SELECT revision FROM security_head"));
        Assert.Equal("1,2,3,4,5,6,7,8", await Scalar<string>(database, "SELECT string_agg(revision::text, ',' ORDER BY revision) FROM security_events"));
    }

    /// <summary>Append-only records: partitioned, written by COPY, read by statements of their own. Entity Framework does not know them.</summary>
    private static readonly string[] OfRecords = ["mcp_audit_logs", "mcp_audit_bodies", "mcp_call_stats", "mcp_call_days", "mcp_call_users", "mcp_server_days", "mcp_tool_days", "record_data_keys", "llm_audit_logs", "llm_audit_bodies", "llm_usage"];

    /// <summary>Columns, constraints and indexes of a database, one a line.</summary>
    private static async Task<IReadOnlyList<string>> Catalog(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand(
            """
            SELECT c.relname || ' column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
              FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
            UNION ALL SELECT c.relname || ' constraint ' || o.conname || ' ' || pg_get_constraintdef(o.oid)
              FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid WHERE o.connamespace = 'public'::regnamespace AND o.contype <> 'n'
            UNION ALL SELECT tablename || ' index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
            ORDER BY 1
            """);
        var lines = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(Token);
        while (await reader.ReadAsync(Token))
        {
            lines.Add(reader.GetString(0));
        }

        return lines;
    }

#pragma warning disable CA2100
    private static async Task<T> Scalar<T>(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Token))!;
    }

    private static async Task Execute(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }
#pragma warning restore CA2100
}
