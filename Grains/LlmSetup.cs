using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Llm;
using Obot.Grains.Llm.Recording;
using Obot.Grains.Records;

namespace Obot.Grains;

/// <summary>Registers the ports behind the LLM gateway.</summary>
internal static class LlmSetup
{
    public static IServiceCollection AddLlmPorts(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<LlmOptions>().Bind(configuration.GetSection("Obot:Llm")).ValidateOnStart();
        services.AddSingleton<IValidateOptions<LlmOptions>, LlmOptionsValidator>();
        services.AddSingleton<ProviderSecrets>().AddSingleton<EntraTokens>().AddSingleton<ModelDiscovery>();
        services.AddSingleton<ILlmCredentials, LlmCredentials>();
        services.AddSingleton<IModelProviders, StoredModelProviders>();
        services.AddSingleton<LlmDirectory>().AddSingleton<ILlmDirectory>(provider => provider.GetRequiredService<LlmDirectory>());
        services.AddSingleton<IModels, StoredModels>();
        services.AddSingleton<IModelAliases, StoredModelAliases>();
        services.AddSingleton<IModelAccessPolicies, StoredModelAccessPolicies>();
        services.AddSingleton<ILlmBudgets, StoredLlmBudgets>();
        services.AddSingleton<IMessagePolicies, StoredMessagePolicies>();
        services.AddRecordKind<LlmRow, LlmKind>();
        services.AddSingleton<LlmIntake>().AddSingleton<IJournalPlaces>(provider => provider.GetRequiredService<LlmIntake>());
        services.AddSingleton<LlmRecorder>().AddSingleton<ILlmRecorder>(provider => provider.GetRequiredService<LlmRecorder>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<LlmRecorder>());
        services.AddSingleton<ILlmAudit, StoredLlmAudit>();
        services.AddHttpClient(ModelDiscovery.ClientName, client =>
        {
            client.Timeout = Timeout.InfiniteTimeSpan;
            client.MaxResponseContentBufferSize = ModelDiscovery.MaxAnswer;
            client.DefaultRequestHeaders.UserAgent.ParseAdd("Obot");
        }).ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        services.AddHttpClient(EntraTokens.ClientName, client =>
        {
            client.Timeout = TimeSpan.FromSeconds(10);
            client.MaxResponseContentBufferSize = 1024 * 1024;
        }).ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        return services;
    }
}
