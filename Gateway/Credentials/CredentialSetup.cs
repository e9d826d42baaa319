using Microsoft.Extensions.DependencyInjection;

namespace Obot.Gateway.Credentials;

internal static class CredentialSetup
{
    public static IServiceCollection AddCredentialEndpoints(this IServiceCollection services) =>
        services.AddSingleton<ExchangeEndpoint>().AddSingleton<CredentialPush>().AddSingleton<ConnectEndpoints>();
}
