using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.IdentityProviders;
using Obot.Grains.Abstractions.LocalAccounts;
using Obot.Grains.Abstractions.Sessions;
using Obot.Grains.Identity;
using Obot.Grains.IdentityProviders;
using Obot.Grains.LocalAccounts;
using Obot.Grains.Sessions;

namespace Obot.Grains;

/// <summary>Registers the ports behind sign-in: sessions, identity providers, local accounts, bootstrap.</summary>
internal static class SignInSetup
{
    public static IServiceCollection AddSignInPorts(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SessionOptions>().Bind(configuration.GetSection("Obot:Sessions")).Validate(
            options => options.IdleTimeout >= TimeSpan.FromSeconds(10) && options.AbsoluteTimeout >= options.IdleTimeout,
            "Obot:Sessions:IdleTimeout must be 10 s at least, AbsoluteTimeout no shorter than IdleTimeout.").ValidateOnStart();
        services.AddSingleton<OneTimeCodes>().AddSingleton<ISignIn, SignIn>();
        services.AddSingleton<Bootstrap>();
        services.AddSingleton<IBootstrap>(provider => provider.GetRequiredService<Bootstrap>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<Bootstrap>());

        services.AddSingleton<SessionUse>().AddSingleton<IHostedService>(provider => provider.GetRequiredService<SessionUse>());
        services.AddSingleton<IUserSessions, UserSessions>();

        services.TryAddSingleton<UserEmails>();
        services.TryAddSingleton<PreassignedRoles>();
        services.TryAddSingleton<IAuthSettings, StoredAuthSettings>();

        services.AddSingleton<Passwords>().AddSingleton<Attempts>();
        services.AddSingleton<ILocalAccounts, StoredLocalAccounts>();

        services.AddSingleton<ProviderAddresses>().AddSingleton<ConfiguredProviders>().AddSingleton<ProviderChecks>();
        services.AddSingleton<StoredAuthProviders>().AddSingleton<IAuthProviders>(provider => provider.GetRequiredService<StoredAuthProviders>());
        services.AddSingleton<ISignInProviders, SignInProviders>();
        services.AddSingleton<IExternalSignIn, ExternalSignIn>();
        services.AddHttpClient(ProviderChecks.ClientName, client =>
        {
            client.Timeout = TimeSpan.FromSeconds(10);
            client.MaxResponseContentBufferSize = ProviderChecks.MaxAnswer;
            client.DefaultRequestHeaders.UserAgent.ParseAdd("Obot");
        });
        return services;
    }
}
