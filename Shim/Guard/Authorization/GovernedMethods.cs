using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Authorization;

/// <summary>What becomes of a message of somebody who may use some tools only.</summary>
internal enum MethodRule
{
    /// <summary>Nobody listed it, so it is refused.</summary>
    Denied,

    /// <summary>It opens, keeps or ends the conversation and reaches nothing behind it.</summary>
    Allowed,

    /// <summary>A tool by name.</summary>
    ByTool,

    /// <summary>The answer loses the tools that the caller may not use.</summary>
    ToolList,

    /// <summary>Answered with an empty list: clients ask for it whether they use it or not.</summary>
    EmptyList,
}

internal static class GovernedMethods
{
    private const string PromptsList = "prompts/list";
    private const string ResourcesList = "resources/list";
    private const string TemplatesList = "resources/templates/list";

    public static MethodRule Of(in JsonRpcEnvelope envelope) => envelope.Kind switch
    {
        // answers to what the server asked within an allowed call
        EnvelopeKind.Response => MethodRule.Allowed,
        EnvelopeKind.Request or EnvelopeKind.Notification => Of(envelope.Method, envelope.Kind),
        _ => MethodRule.Denied,
    };

    private static MethodRule Of(string? method, EnvelopeKind kind) => method switch
    {
        McpMethods.ToolsCall => MethodRule.ByTool,
        McpMethods.ToolsList => MethodRule.ToolList,
        PromptsList or ResourcesList or TemplatesList => MethodRule.EmptyList,
        McpMethods.Initialize or McpMethods.Discover or McpMethods.Ping or McpMethods.Listen or "logging/setLevel" => MethodRule.Allowed,

        // a call of an allowed tool may go on as a task; its id is known to whoever began it
        McpMethods.TasksGet or McpMethods.TasksCancel or McpMethods.TasksUpdate or "tasks/result" => MethodRule.Allowed,
        McpMethods.Initialized or McpMethods.Cancelled or McpMethods.Progress or "notifications/roots/list_changed" => kind is EnvelopeKind.Notification ? MethodRule.Allowed : MethodRule.Denied,
        _ => MethodRule.Denied,
    };

    /// <summary>Name of the array in the answer to an <see cref="MethodRule.EmptyList"/>.</summary>
    public static string ListOf(string method) => method switch
    {
        PromptsList => "prompts",
        ResourcesList => "resources",
        _ => "resourceTemplates",
    };
}
