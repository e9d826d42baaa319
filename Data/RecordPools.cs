using Microsoft.Extensions.Logging;
using Npgsql;

namespace Obot.Data;

/// <summary>
/// Connections for append-only records (audit, usage), apart from everybody else's: neither a flood of records nor somebody's search
/// takes a connection that the cluster needs.
/// </summary>
public sealed class RecordPools(string connectionString, ILoggerFactory loggers) : IAsyncDisposable
{
    private const int MaxWriters = 4;
    private const int MaxReaders = 4;

    /// <summary>Longest that one statement of a reader may run.</summary>
    public static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(15);

    /// <summary>For writing. A connection keeps its temporary tables when it goes back.</summary>
    public NpgsqlDataSource Writes { get; } = Build(connectionString, loggers, MaxWriters, builder => builder.NoResetOnClose = true);

    /// <summary>For searching; statements end after <see cref="ReadLimit"/> at the server, too.</summary>
    public NpgsqlDataSource Reads { get; } = Build(connectionString, loggers, MaxReaders, builder =>
    {
        builder.CommandTimeout = (int)ReadLimit.TotalSeconds + 5;

        // a search is a guest: it may use one processor, and compiling it would take longer than running it
        builder.Options = $"-c statement_timeout={ReadLimit.TotalMilliseconds:0} -c max_parallel_workers_per_gather=0 -c jit=off";
    });

    public async ValueTask DisposeAsync()
    {
        await Writes.DisposeAsync();
        await Reads.DisposeAsync();
    }

    private static NpgsqlDataSource Build(string connectionString, ILoggerFactory loggers, int connections, Action<NpgsqlConnectionStringBuilder> configure)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = connections, MinPoolSize = 0, CommandTimeout = 30, Timezone = "UTC" };
        configure(settings);
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).UseLoggerFactory(loggers).Build();
    }
}
