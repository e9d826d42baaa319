using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Changes;
using Obot.Grains.Catalog;
using Obot.Grains.Catalog.Import;
using Obot.Grains.Catalog.Registry;
using Obot.Grains.Catalog.Sources;
using Obot.Grains.Changes;

namespace Obot.Grains;

/// <summary>Registers the ports of catalogs, their entries, and what is made from them.</summary>
internal static class CatalogSetup
{
    private static readonly TimeSpan LeastInterval = TimeSpan.FromMinutes(1);

    public static IServiceCollection AddCatalog(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<CatalogOptions>().Bind(configuration.GetSection("Obot:Catalog")).Validate(
            options => options.SyncInterval >= LeastInterval && options.SourceTimeout > TimeSpan.Zero,
            "Obot:Catalog:SyncInterval must be 1 minute at least, SourceTimeout above zero.").ValidateOnStart();
        services.AddSingleton<SourceReader>().AddSingleton<CatalogSync>();
        services.AddSingleton<IMcpCatalogs, StoredCatalogs>();
        services.AddSingleton<SearchIndex>().AddSingleton<IHostedService>(provider => provider.GetRequiredService<SearchIndex>());
        services.AddSingleton<EntryList>().AddSingleton<EntryIcons>();
        services.AddSingleton<ICatalogEntries, StoredCatalogEntries>();
        services.AddSingleton<IManifestImport, ManifestImport>().AddSingleton<IChangeLog, StoredChangeLog>();
        services.AddSingleton<EntryDeployments>().AddSingleton<IServerRegistry, ServerRegistry>();
        return services.AddSingleton<IEntryServers, EntryServers>();
    }
}
