using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Audit.Usage;
using Obot.Grains.Records;

namespace Obot.Grains.Audit;

internal static class AuditSetup
{
    public static IServiceCollection AddAudit(this IServiceCollection services, IConfiguration configuration)
    {
        services.Configure<AuditOptions>(configuration.GetSection(AuditOptions.Section));
        services.AddSingleton<IValidateOptions<AuditOptions>, AuditOptionsValidator>().AddOptions<AuditOptions>().ValidateOnStart();
        services.AddRecordKind<AuditRow, AuditKind>();
        services.AddSingleton<AuditFolders>();
        services.AddSingleton<AuditIntake>().AddSingleton<IAuditIntake>(provider => provider.GetRequiredService<AuditIntake>());
        services.AddSingleton<SiloJournal>().AddSingleton<IAuditEvents>(provider => provider.GetRequiredService<SiloJournal>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<SiloJournal>());
        services.AddSingleton<IJournalPlaces, AuditJournals>().AddHostedService<AuditDrain>();
        services.AddHostedService<StatsRetention>();
        services.AddHostedService<DaySummary>();
        services.AddSingleton<AuditSight>();
        services.AddSingleton<IAuditLogs, StoredAuditLogs>();
        return services.AddSingleton<ICallStats, StoredCallStats>();
    }
}
