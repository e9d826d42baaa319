using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Obot.Chat.IdentityProviders;
using Obot.Chat.LocalAccounts;
using Obot.Chat.Sessions;

namespace Obot.Chat;

/// <summary>Registers the ways in: identity providers, passwords, token and one-time link.</summary>
internal static class SignInSetup
{
    /// <summary>Needs the ports of sign-in in <c>Grains.Abstractions</c>, and <c>AddSessions</c>.</summary>
    public static IServiceCollection AddSignIn(this IServiceCollection services)
    {
        services.AddSingleton<PublicAddress>().AddSingleton<SignInState>().AddSingleton<SignInEnd>();
        services.AddSingleton<OidcOptions>().AddSingleton<GitHubOptions>().AddSingleton<ProviderSchemes>().AddSingleton<SignInEndpoints>();
        services.AddSingleton<KnownDevice>();
        return services;
    }

    public static void MapSignIn(this IEndpointRouteBuilder endpoints)
    {
        SessionEndpoints.Map(endpoints);
        LocalAccountEndpoints.Map(endpoints);
        SignInEndpoints.Map(endpoints);
    }
}
