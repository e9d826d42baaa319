using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Obot.Grains.Records;

internal static class RecordSetup
{
    /// <summary>Registers a kind of records with its writer and its days. See <see cref="RecordKind{TRow}"/>.</summary>
    public static IServiceCollection AddRecordKind<TRow, TKind>(this IServiceCollection services)
        where TKind : RecordKind<TRow>
    {
        if (services.All(service => service.ServiceType != typeof(DayPartitions)))
        {
            services.AddSingleton<DayPartitions>();
            services.AddHostedService(provider => provider.GetRequiredService<DayPartitions>());
        }

        services.TryAddSingleton<TKind>();
        services.AddSingleton<RecordKind<TRow>>(provider => provider.GetRequiredService<TKind>());
        services.AddSingleton(provider => DayTables.Of(provider.GetRequiredService<RecordKind<TRow>>()));
        services.AddSingleton<RecordWriter<TRow>>();
        return services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<RecordWriter<TRow>>());
    }
}
