using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Obot.Grains.Audit;

namespace Obot.Grains.Tests.Audit;

[Collection(nameof(PostgresTests))]
public sealed class RecordsTests(Postgres postgres)
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_WrittenTwice_AreThereOnceAndCountedOnce()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        var rows = Enumerable.Range(0, 500).Select(i => AuditRig.Row(Now.AddMilliseconds(-i), microseconds: 900 + i, error: i % 10 == 0 ? "no" : null, detail: [1, 2, 3])).ToList();
        await Task.WhenAll(rows.Chunk(100).Select(part => rig.Writer.WriteAsync(part, Cancellation)));
        await rig.Writer.WriteAsync([.. rows[..50], .. rows[..50], AuditRig.Row(Now)], Cancellation);

        Assert.Equal(501, await rig.ScalarAsync<long>("SELECT count(*) FROM mcp_audit_logs"));
        Assert.Equal(500, await rig.ScalarAsync<long>("SELECT count(*) FROM mcp_audit_bodies"));
        Assert.Equal(501L, await rig.ScalarAsync<decimal>("SELECT sum(calls) FROM mcp_call_stats"));
        Assert.Equal(50L, await rig.ScalarAsync<decimal>("SELECT sum(errors) FROM mcp_call_stats"));
    }

    [Fact]
    public async Task Row_ThatTheDatabaseDoesNotTake_HoldsUpNoOther()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        var rows = Enumerable.Range(0, 9).Select(i => AuditRig.Row(Now.AddSeconds(-i))).ToList();
        rows[4] = rows[4] with { Identifier = "a\0b" };
        await rig.Writer.WriteAsync(rows, Cancellation);
        Assert.Equal(8, await rig.ScalarAsync<long>("SELECT count(*) FROM mcp_audit_logs"));
        Assert.Equal(1, rig.Writer.Refused);
    }

    [Fact]
    public async Task Row_OfAnotherDay_GetsItsPartition_AndOneOutOfTimeIsLeftOut()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        await rig.Writer.WriteAsync([AuditRig.Row(Now), AuditRig.Row(Now.AddDays(-40)), AuditRig.Row(Now.AddDays(-200)), AuditRig.Row(Now.AddDays(30))], Cancellation);
        Assert.Equal(2, await rig.ScalarAsync<long>("SELECT count(*) FROM mcp_audit_logs"));
        Assert.Equal(2, await rig.ScalarAsync<long>("SELECT count(*) FROM pg_inherits WHERE inhparent = 'mcp_audit_logs'::regclass"));
        Assert.Equal(2, rig.Writer.Refused);
    }

    [Fact]
    public async Task Days_AreMadeAheadByTwoSilosAtOnce_AndDroppedWithTheirKeysWhenTheyExpire()
    {
        var time = new FakeTimeProvider(Now);
        await using var rig = await AuditRig.StartAsync(postgres, time);
        var other = rig.AnotherKeeper(time);
        await Task.WhenAll(rig.Partitions.KeepAsync(Cancellation), other.KeepAsync(Cancellation));
        Assert.Equal(4, await PartitionsAsync());
        var sealed_ = postgres.Silo.Encryption.Encrypt(AuditRow.PlaceOf(Guid.Empty), [1]);
        await rig.Writer.WriteAsync([AuditRig.Row(Now, detail: sealed_), AuditRig.Row(Now.AddDays(1), detail: sealed_)], Cancellation);
        Assert.Equal(4, await rig.ScalarAsync<long>("SELECT count(*) FROM record_data_keys"));

        rig.Options.RetentionDays = 7;
        time.Advance(TimeSpan.FromDays(8));
        await rig.Partitions.KeepAsync(Cancellation);
        Assert.Equal(7, await PartitionsAsync());
        Assert.Equal(1, await rig.ScalarAsync<long>("SELECT count(*) FROM mcp_audit_logs"));
        Assert.Equal(1, await rig.ScalarAsync<long>("SELECT count(DISTINCT day) FROM record_data_keys"));

        async Task<long> PartitionsAsync() => await rig.ScalarAsync<long>("SELECT count(*) FROM pg_inherits WHERE inhparent = 'mcp_audit_bodies'::regclass");
    }

    [Fact]
    public async Task Write_WithoutADatabase_FailsAndSucceedsOnceItIsBack()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        await rig.Writer.WriteAsync([AuditRig.Row(Now)], Cancellation);
        await using (var kill = rig.Database.CreateCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"))
        {
            await kill.ExecuteNonQueryAsync(Cancellation);
        }

        var row = AuditRig.Row(Now.AddSeconds(1));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => rig.Writer.WriteAsync([row], Cancellation));
        await rig.Writer.WriteAsync([row], Cancellation);
        Assert.Equal(2, await rig.ScalarAsync<long>("SELECT count(*) FROM mcp_audit_logs"));
    }
}
