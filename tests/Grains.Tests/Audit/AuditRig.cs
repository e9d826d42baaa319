using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Audit;
using Obot.Grains.Records;

namespace Obot.Grains.Tests.Audit;

/// <summary>Tables, partitions and writer of audit records as a silo has them, over a database of the test's own.</summary>
internal sealed class AuditRig : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private AuditRig(ServiceProvider services, FakeTimeProvider? time)
    {
        _services = services;
        Options = new AuditOptions();
        Kind = new(Microsoft.Extensions.Options.Options.Create(Options));
        Partitions = new(Pools, [DayTables.Of(Kind)], time ?? TimeProvider.System, NullLogger<DayPartitions>.Instance);
        Writer = new(Pools, Partitions, Kind, TimeProvider.System, NullLogger<RecordWriter<AuditRow>>.Instance);
    }

    public AuditOptions Options { get; }

    public AuditKind Kind { get; }

    public RecordPools Pools => _services.GetRequiredService<RecordPools>();

    public NpgsqlDataSource Database => _services.GetRequiredService<NpgsqlDataSource>();

    public IServiceProvider Services => _services;

    public DayPartitions Partitions { get; }

    public RecordWriter<AuditRow> Writer { get; }

    public static async Task<AuditRig> StartAsync(Postgres postgres, FakeTimeProvider? time = null)
    {
        var rig = new AuditRig(await postgres.CreateDatabaseAsync(), time);
        await rig.Writer.StartAsync(TestContext.Current.CancellationToken);
        return rig;
    }

    /// <summary>A second silo over the same database.</summary>
    public DayPartitions AnotherKeeper(TimeProvider time) => new(Pools, [DayTables.Of(Kind)], time, NullLogger<DayPartitions>.Instance);

#pragma warning disable CA2100
    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
#pragma warning restore CA2100

    public static AuditRow Row(DateTimeOffset at, string server = "ms1a", string user = "u1a", string method = "tools/call", string? identifier = "echo", short status = 200, string? error = null, long microseconds = 1000, byte[]? detail = null) => new()
    {
        Id = Obot.Shim.Contracts.Audit.CallId.New(at),
        At = at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond)),
        ServerId = server,
        UserId = user,
        Method = method,
        Identifier = identifier,
        Status = status,
        Error = error,
        DurationMicroseconds = microseconds,
        Detail = detail,
    };

    public async ValueTask DisposeAsync()
    {
        await Writer.StopAsync(CancellationToken.None);
        Writer.Dispose();
        await _services.DisposeAsync();
    }
}
