using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Exports;
using Obot.Grains.Exports.Targets;

namespace Obot.Grains;

/// <summary>Registers the ports of audit exports.</summary>
internal static class ExportSetup
{
    public static IServiceCollection AddExports(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ExportOptions>().Bind(configuration.GetSection("Obot:Exports")).Validate(
            options => options is { MaxRowsPerObject: > 0, MaxBytesPerObject: > 0, MaxAttempts: > 0 } && options.Delay >= TimeSpan.Zero,
            "Obot:Exports:MaxRowsPerObject, MaxBytesPerObject and MaxAttempts must be 1 at least, Delay not negative.").ValidateOnStart();
        services.AddSingleton<ExportTargets>().AddSingleton<ExportReader>().AddSingleton<ExportRun>().AddSingleton<ExportSchedules>();
        return services.AddSingleton<IStorages, StoredStorages>().AddSingleton<IExports, StoredExports>();
    }
}
