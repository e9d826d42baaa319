using System.ComponentModel;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Obot.ConformanceServer.Tools;

/// <summary>Tools that talk to the client while they work: progress, log messages, and the legacy era's requests.</summary>
[McpServerToolType]
internal sealed partial class ConversationTools
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    [McpServerTool(Name = "test_tool_with_logging"), Description("Sends three log messages")]
    public static async Task<string> Log(McpServer server, CancellationToken cancellationToken)
    {
        using var provider = server.AsClientLoggerProvider();
        var logger = provider.CreateLogger(nameof(ConversationTools));
        Started(logger);
        await Task.Delay(Pause, cancellationToken);
        Processing(logger);
        await Task.Delay(Pause, cancellationToken);
        Completed(logger);
        return "three messages logged";
    }

    [McpServerTool(Name = "test_tool_with_progress"), Description("Reports 0, 50 and 100 of 100")]
    public static async Task<string> Progress(RequestContext<CallToolRequestParams> context, CancellationToken cancellationToken)
    {
        foreach (var progress in (int[])[0, 50, 100])
        {
            if (context.Params!.ProgressToken is { } token)
            {
                await context.Server.NotifyProgressAsync(
                    token, new ProgressNotificationValue { Progress = progress, Total = 100 }, cancellationToken: cancellationToken);
            }

            await Task.Delay(Pause, cancellationToken);
        }

        return context.Params!.ProgressToken?.ToString() ?? "no token";
    }

    [McpServerTool(Name = "test_sampling"), Description("Asks the client's model")]
    public static async Task<string> Sampling(McpServer server, [Description("What to ask")] string prompt, CancellationToken cancellationToken)
    {
        var answer = await server.SampleAsync(Samples.Sample(prompt, maxTokens: 100), cancellationToken);
        return $"LLM response: {answer.Content.OfType<TextContentBlock>().FirstOrDefault()?.Text}";
    }

    [McpServerTool(Name = "test_elicitation"), Description("Asks the user for a name and an address")]
    public static Task<string> Elicitation(McpServer server, [Description("What to say")] string message, CancellationToken cancellationToken) =>
        AskAsync(server, message, """
            {
              "username": {"type": "string", "description": "User's response"},
              "email": {"type": "string", "description": "User's email address"}
            }
            """, ["username", "email"], cancellationToken);

    [McpServerTool(Name = "test_elicitation_sep1034_defaults"), Description("Asks with a default for every primitive type")]
    public static Task<string> Defaults(McpServer server, CancellationToken cancellationToken) =>
        AskAsync(server, "Please look at the defaults", """
            {
              "name": {"type": "string", "default": "John Doe"},
              "age": {"type": "integer", "default": 30},
              "score": {"type": "number", "default": 95.5},
              "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
              "verified": {"type": "boolean", "default": true}
            }
            """, [], cancellationToken);

    [McpServerTool(Name = "test_elicitation_sep1330_enums"), Description("Asks with the five kinds of choices")]
    public static Task<string> Enums(McpServer server, CancellationToken cancellationToken) =>
        AskAsync(server, "Please choose", """
            {
              "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
              "titledSingle": {"type": "string", "oneOf": [
                {"const": "value1", "title": "First Option"}, {"const": "value2", "title": "Second Option"}, {"const": "value3", "title": "Third Option"}]},
              "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]},
              "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
              "titledMulti": {"type": "array", "items": {"anyOf": [
                {"const": "value1", "title": "First Choice"}, {"const": "value2", "title": "Second Choice"}, {"const": "value3", "title": "Third Choice"}]}}
            }
            """, [], cancellationToken);

    private static async Task<string> AskAsync(McpServer server, string message, string properties, string[] required, CancellationToken cancellationToken)
    {
        var answer = await server.ElicitAsync(Samples.Ask(message, properties, required), cancellationToken);
        return $"Elicitation completed: action={answer.Action}, content={JsonSerializer.Serialize(answer.Content)}";
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Tool execution started")]
    private static partial void Started(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Tool processing data")]
    private static partial void Processing(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Tool execution completed")]
    private static partial void Completed(ILogger logger);
}
