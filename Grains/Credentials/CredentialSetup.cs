using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Credentials.Authorization;

namespace Obot.Grains.Credentials;

/// <summary>Registers users' credentials for servers.</summary>
internal static class CredentialSetup
{
    private static readonly TimeSpan LongestRefresh = TimeSpan.FromSeconds(25);

    public static IServiceCollection AddCredentials(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<CredentialOptions>().Bind(configuration.GetSection("Obot:Credentials")).Validate(
            options => options.RefreshTimeout > TimeSpan.Zero && options.RefreshTimeout <= LongestRefresh && options.RefreshAhead is >= 0 and <= 0.9 && options.SignInLifetime > TimeSpan.Zero && options.MaxStepUps >= 1,
            "Obot:Credentials:RefreshTimeout must be above 0 and at most 25 s, RefreshAhead 0 to 0.9, SignInLifetime above 0, MaxStepUps 1 or more.").ValidateOnStart();
        services.AddSingleton<PlatformAddresses>().AddSingleton<ServerNeeds>().AddSingleton<ConnectionRecords>().AddSingleton<ClientIdentities>();
        services.AddSingleton<Discovery>().AddSingleton<TokenRequests>();
        services.AddSingleton<IConnections, Connections>().AddSingleton<IThirdPartyClients, ThirdPartyClients>();
        return services;
    }
}
