using System.Collections.Concurrent;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Obot.ConformanceServer.Tools;

namespace Obot.ConformanceServer;

/// <summary>One set of tools, prompts and resources behind both faces.</summary>
internal static class FixtureServer
{
    /// <summary>Clients may keep the lists for so long (SEP-2549).</summary>
    private static readonly TimeSpan CacheFor = TimeSpan.FromMinutes(5);

    public static void Describe(McpServerOptions options) =>
        options.ServerInfo = new Implementation { Name = "obot-conformance-fixture", Version = "1.0.0" };

    public static IMcpServerBuilder AddFixture(this IMcpServerBuilder builder)
    {
        var subscriptions = new ConcurrentDictionary<(string? Session, string Uri), bool>();
        return builder
            .WithTools<ContentTools>()
            .WithTools<ConversationTools>()
            .WithTools<InputRequiredTools>()
            .WithTools<DiagnosticTools>()
            .WithTools<LoadTools>()
            .WithTools<FilterTools>()
            .WithTools<AppTools>()
            .WithTools([SchemaTool.Create()])
            .WithPrompts<Prompts>()
            .WithResources<Resources>()
            .WithResources<AppTools>()
            .WithRequestFilters(filters => filters
                .AddListToolsFilter(Cacheable<ListToolsRequestParams, ListToolsResult>)
                .AddListPromptsFilter(Cacheable<ListPromptsRequestParams, ListPromptsResult>)
                .AddListResourcesFilter(Cacheable<ListResourcesRequestParams, ListResourcesResult>)
                .AddListResourceTemplatesFilter(Cacheable<ListResourceTemplatesRequestParams, ListResourceTemplatesResult>)
                .AddReadResourceFilter(Cacheable<ReadResourceRequestParams, ReadResourceResult>))
            .WithSubscribeToResourcesHandler((context, _) =>
            {
                subscriptions[(context.Server.SessionId, context.Params!.Uri)] = true;
                return ValueTask.FromResult(new EmptyResult());
            })
            .WithUnsubscribeFromResourcesHandler((context, _) =>
            {
                subscriptions.TryRemove((context.Server.SessionId, context.Params!.Uri), out var _);
                return ValueTask.FromResult(new EmptyResult());
            })
            .WithCompleteHandler((context, _) => ValueTask.FromResult(new CompleteResult { Completion = Complete(context.Params!.Argument.Value) }))
            .WithSetLoggingLevelHandler(async (context, cancellationToken) =>
            {
                await context.Server.SendNotificationAsync(
                    NotificationMethods.LoggingMessageNotification,
                    new LoggingMessageNotificationParams
                    {
                        Level = context.Params!.Level,
                        Logger = "fixture",
                        Data = JsonSerializer.SerializeToElement($"level is {context.Params.Level}"),
                    },
                    cancellationToken: cancellationToken);
                return new EmptyResult();
            });
    }

    /// <summary>What only sessions over HTTP have: a stream that can be resumed (SEP-1699).</summary>
    public static IMcpServerBuilder AddPolling(this IMcpServerBuilder builder) => builder
        .WithDistributedCacheEventStreamStore()
        .WithRequestFilters(filters => filters.AddCallToolFilter(ClosingItsStream));

    private static Completion Complete(string typed)
    {
        string[] words = ["paris", "park", "party"];
        string[] found = [.. words.Where(word => word.StartsWith(typed, StringComparison.Ordinal))];
        return new Completion { Values = found, Total = found.Length, HasMore = false };
    }

    private static McpRequestHandler<TParams, TResult> Cacheable<TParams, TResult>(McpRequestHandler<TParams, TResult> next)
        where TResult : ICacheableResult =>
        async (request, cancellationToken) =>
        {
            var result = await next(request, cancellationToken);
            result.TimeToLive = CacheFor;
            result.CacheScope = CacheScope.Private;
            return result;
        };

    /// <summary>SEP-1699: <c>test_reconnection</c> closes its stream first and answers once the client had time to come back for it.</summary>
    private static McpRequestHandler<CallToolRequestParams, CallToolResult> ClosingItsStream(McpRequestHandler<CallToolRequestParams, CallToolResult> next) =>
        async (request, cancellationToken) =>
        {
            if (string.Equals(request.Params?.Name, ContentTools.Reconnection, StringComparison.Ordinal))
            {
                await request.EnablePollingAsync(TimeSpan.FromMilliseconds(500), cancellationToken);
                await Task.Delay(TimeSpan.FromMilliseconds(300), cancellationToken);
            }

            return await next(request, cancellationToken);
        };
}
