using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption.Columns;
using Obot.Grains.Encryption.Keys;
using Obot.Grains.Encryption.Local;

namespace Obot.Grains.Encryption;

/// <summary>Registers encryption at rest. First of all hosted services: what others read while the host starts is encrypted.</summary>
internal static class EncryptionSetup
{
    public static IServiceCollection AddEncryption(this IServiceCollection services, IConfiguration configuration)
    {
        var section = configuration.GetSection(EncryptionOptions.Section);
        var options = section.Get<EncryptionOptions>() ?? new();
        services.Configure<EncryptionOptions>(section);
        if (options.Local.Key.Length > 0)
        {
            services.AddSingleton<IKeyWrapper>(_ => new LocalKeyWrapper(Convert.FromBase64String(options.Local.Key)));
        }

        services.AddSingleton<KeyWrappers>().AddSingleton<DataKeyTable>();
        services.AddSingleton<DataKeys>().AddSingleton<IHostedService>(provider => provider.GetRequiredService<DataKeys>());
        services.AddSingleton<Reencryption>().AddHostedService(provider => provider.GetRequiredService<Reencryption>());
        services.AddSingleton<IEncryptionKeys, EncryptionKeys>();
        return services.AddSingleton<IEncryption, Envelope>();
    }
}
