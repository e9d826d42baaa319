using Obot.Grains.Abstractions.Llm;

namespace Obot.Chat.Llm;

/// <summary>What message policies are called in the console.</summary>
internal static class MessagePolicyWords
{
    public static string Kind(string? kind) => kind switch
    {
        MessagePolicyKinds.Regex => "Patterns",
        MessagePolicyKinds.Secrets => "Secrets",
        MessagePolicyKinds.Pii => "Personal data",
        MessagePolicyKinds.Judged => "A rule in plain words",
        _ => kind ?? "",
    };

    public static string Place(string? place) => place switch
    {
        MessagePlaces.UserMessage => "messages",
        MessagePlaces.ToolCall => "tool calls",
        _ => place ?? "",
    };

    public static string Stops(MessagePolicyView policy) => policy.Kind switch
    {
        MessagePolicyKinds.Regex => $"what matches {string.Join(" or ", policy.Patterns ?? [])}",
        MessagePolicyKinds.Judged => $"{policy.Instruction} (judged by {policy.Judge})",
        _ => Kind(policy.Kind).ToLowerInvariant(),
    };
}
