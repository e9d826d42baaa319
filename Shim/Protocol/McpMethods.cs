using System.Text;
using System.Text.Json;

namespace Obot.Shim.Protocol;

/// <summary>Methods of the specification; reading one of them allocates nothing.</summary>
internal static class McpMethods
{
    public const string Initialize = "initialize";
    public const string Discover = "server/discover";
    public const string Listen = "subscriptions/listen";
    public const string Ping = "ping";
    public const string ToolsCall = "tools/call";
    public const string ToolsList = "tools/list";
    public const string PromptsGet = "prompts/get";
    public const string ResourcesRead = "resources/read";
    public const string Cancelled = "notifications/cancelled";
    public const string Initialized = "notifications/initialized";
    public const string Progress = "notifications/progress";
    public const string ToolsChanged = "notifications/tools/list_changed";
    public const string TasksGet = "tasks/get";
    public const string TasksCancel = "tasks/cancel";
    public const string TasksUpdate = "tasks/update";

    private static readonly (byte[] Utf8, string Text)[] Known =
    [
        .. new[]
        {
            ToolsCall, ToolsList, Progress, Initialize, Discover, Listen, Ping, PromptsGet, "prompts/list", ResourcesRead,
            "resources/list", "resources/templates/list", "resources/subscribe", "resources/unsubscribe", "completion/complete",
            "logging/setLevel", TasksGet, "tasks/list", "tasks/result", TasksCancel, TasksUpdate, "sampling/createMessage",
            "elicitation/create", "roots/list", Cancelled, Initialized, "notifications/message", ToolsChanged,
            "notifications/prompts/list_changed", "notifications/resources/list_changed", "notifications/resources/updated",
            "notifications/roots/list_changed", "notifications/tasks/status", "notifications/elicitation/complete",
            "notifications/subscriptions/acknowledged",
        }.Select(text => (Encoding.UTF8.GetBytes(text), text)),
    ];

    public static string Read(ref Utf8JsonReader reader)
    {
        if (!reader.HasValueSequence && !reader.ValueIsEscaped)
        {
            foreach (var (utf8, text) in Known)
            {
                if (reader.ValueSpan.SequenceEqual(utf8))
                {
                    return text;
                }
            }
        }

        return reader.GetString()!;
    }
}
