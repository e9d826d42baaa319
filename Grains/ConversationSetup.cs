using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Projects;
using Obot.Grains.Conversations;
using Obot.Grains.Conversations.Running;
using Obot.Grains.Abstractions.Tasks;
using Obot.Grains.Projects;
using Obot.Grains.Tasks;

namespace Obot.Grains;

/// <summary>Registers the ports behind the chat.</summary>
internal static class ConversationSetup
{
    public static IServiceCollection AddConversations(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ConversationOptions>().Bind(configuration.GetSection("Obot:Conversations")).Validate(
            options => options is { MaxSteps: > 0, MaxContextTokens: >= 2000, SearchToolsFrom: > 0, MaxResultCharacters: > 0, MaxResultCharactersToModel: > 0 }
                && options.ToolTimeout > TimeSpan.Zero && options.QuestionTimeout > TimeSpan.Zero,
            "Obot:Conversations: MaxSteps, SearchToolsFrom, MaxResultCharacters, MaxResultCharactersToModel, ToolTimeout and QuestionTimeout must be above 0, MaxContextTokens at least 2000.").ValidateOnStart();
        services.AddSingleton<SealedText>().AddSingleton<Branches>().AddSingleton<ConversationLedger>().AddSingleton<ConversationWatch>();
        services.AddSingleton<GatewayDoor>().AddSingleton<RunSettings>().AddSingleton<RunHistory>().AddSingleton<WorkspaceTools>().AddSingleton<ToolCalls>().AddSingleton<RunTitle>().AddSingleton<AppPages>().AddSingleton<ConversationRun>();
        services.AddSingleton<IProjects, StoredProjects>().AddSingleton<IConversations, StoredConversations>();
        services.AddSingleton<TaskText>().AddSingleton<TaskRuns>().AddSingleton<ITasks, StoredTasks>();
        return services;
    }
}
