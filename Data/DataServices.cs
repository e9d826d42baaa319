using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Obot.Data;

public static class DataServices
{
    /// <summary>
    /// Registers <see cref="NpgsqlDataSource"/> and a pooled <see cref="IDbContextFactory{TContext}"/> of <see cref="ObotDb"/> over it.
    /// The pool holds 30 connections at most where <paramref name="connectionString"/> does not say otherwise. Beside it, the small pools of
    /// <see cref="RecordPools"/>.
    /// </summary>
    public static IServiceCollection AddObotData(this IServiceCollection services, string connectionString)
    {
        services.AddSingleton(provider =>
        {
            var builder = new NpgsqlDataSourceBuilder(WithPool(connectionString));
            builder.UseLoggerFactory(provider.GetRequiredService<ILoggerFactory>());
            return builder.Build();
        });
        services.AddSingleton(provider => new RecordPools(connectionString, provider.GetRequiredService<ILoggerFactory>()));
        return services.AddPooledDbContextFactory<ObotDb>((provider, options) => options.UseObot(provider.GetRequiredService<NpgsqlDataSource>()));
    }

    /// <summary>The model's provider and naming, for whoever makes a context by hand.</summary>
    public static DbContextOptionsBuilder UseObot(this DbContextOptionsBuilder options, NpgsqlDataSource dataSource) =>
        options.UseNpgsql(dataSource).UseSnakeCaseNamingConvention();

    /// <summary>The connection string that Orleans' providers use: they never leave state on a connection, and repeat few statements.</summary>
    public static string ForOrleans(string connectionString) =>
        new NpgsqlConnectionStringBuilder(WithPool(connectionString)) { NoResetOnClose = true, MaxAutoPrepare = 32, AutoPrepareMinUsages = 2, Timezone = "UTC" }
            .ConnectionString;

    private static string WithPool(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        if (builder.MaxPoolSize == new NpgsqlConnectionStringBuilder().MaxPoolSize)
        {
            builder.MaxPoolSize = 30;
        }

        return builder.ConnectionString;
    }
}
