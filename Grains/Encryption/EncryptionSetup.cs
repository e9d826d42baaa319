using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption.Aws;
using Obot.Grains.Encryption.Azure;
using Obot.Grains.Encryption.Columns;
using Obot.Grains.Encryption.Google;
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

        if (options.Aws.KeyId.Length > 0)
        {
            services.AddSingleton<IKeyWrapper>(_ => new AwsKeyWrapper(options.Aws, options.Timeout));
        }

        if (options.Azure.KeyUrl.Length > 0)
        {
            services.AddSingleton<IKeyWrapper>(_ => new AzureKeyWrapper(options.Azure, AzureKeyWrapper.Credential(options.Azure)));
        }

        if (options.Google.KeyName.Length > 0)
        {
            services.AddSingleton<IKeyWrapper>(_ => new GoogleKeyWrapper(options.Google));
        }

        services.AddSingleton<KeyWrappers>().AddSingleton<DataKeyTable>();
        services.AddSingleton<DataKeys>().AddSingleton<IHostedService>(provider => provider.GetRequiredService<DataKeys>());
        services.AddSingleton<Reencryption>().AddHostedService(provider => provider.GetRequiredService<Reencryption>());
        services.AddSingleton<IEncryptionKeys, EncryptionKeys>();
        return services.AddSingleton<IEncryption, Envelope>();
    }
}
