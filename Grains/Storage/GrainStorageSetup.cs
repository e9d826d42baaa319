using Microsoft.Extensions.DependencyInjection;
using Obot.Grains.Abstractions.Encryption;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Providers;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Obot.Grains.Storage;

/// <summary>Registers where grains keep their state.</summary>
public static class GrainStorageSetup
{
    /// <summary>Provider below the encryption; no grain names it.</summary>
    private const string Below = "postgres";

    /// <summary>The default provider: ADO.NET storage behind <see cref="EncryptedGrainStorage"/>. Needs <see cref="IEncryption"/>.</summary>
    public static ISiloBuilder AddEncryptedGrainStorage(this ISiloBuilder silo, Action<AdoNetGrainStorageOptions> configure)
    {
        silo.AddAdoNetGrainStorage(Below, options =>
        {
            configure(options);
            options.GrainStorageSerializer = new StoredStateSerializer();
        });
        silo.Services.AddKeyedSingleton<IGrainStorage>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, (provider, _) => new EncryptedGrainStorage(
            provider.GetRequiredKeyedService<IGrainStorage>(Below),
            new ObotStateSerializer(),
            provider.GetRequiredService<IEncryption>(),
            provider.GetRequiredService<IActivatorProvider>()));
        silo.Services.AddSingleton(provider => provider.GetRequiredKeyedService<IGrainStorage>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME));
        return silo;
    }
}
