using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Budgets;
using Obot.Gateway.Llm.Messages;
using Obot.Gateway.Llm.Recording;
using Obot.Gateway.Llm.Upstream;

namespace Obot.Gateway.Llm;

/// <summary>The LLM gateway's own parts.</summary>
internal static class LlmGatewaySetup
{
    public static IServiceCollection AddLlmGateway(this IServiceCollection services)
    {
        services.AddSingleton<LlmDrain>().AddHostedService(provider => provider.GetRequiredService<LlmDrain>());
        services.AddSingleton<AnswerCache>().AddSingleton<LlmForwarder>().AddSingleton<Circuits>().AddSingleton<LlmRouter>();
        services.AddSingleton<RequestLeases>().AddSingleton<BudgetDesk>();
        services.AddHostedService(provider => provider.GetRequiredService<BudgetDesk>());
        services.AddSingleton<MessageMatcher>().AddSingleton<MessageJudge>().AddSingleton<MessageGuard>();
        services.AddHttpClient(MessageJudge.ClientName, client =>
        {
            client.Timeout = Timeout.InfiniteTimeSpan;
            client.MaxResponseContentBufferSize = 1024 * 1024;
        }).ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(5) });
        return services.AddSingleton<LlmRecords>().AddSingleton<ModelLists>().AddSingleton<LlmEndpoint>();
    }

    /// <summary>Serves <c>/api/llm-proxy</c>, before routing.</summary>
    public static IApplicationBuilder UseLlmGateway(this IApplicationBuilder app)
    {
        var llm = app.ApplicationServices.GetRequiredService<LlmEndpoint>();
        return app.Use(next => context =>
            context.Request.Path.StartsWithSegments(LlmDoor.Prefix, StringComparison.Ordinal, out var rest) ? llm.HandleAsync(context, rest.Value ?? "") : next(context));
    }
}
