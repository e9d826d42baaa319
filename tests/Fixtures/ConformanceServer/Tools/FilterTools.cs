using System.ComponentModel;
using System.Text.Json.Nodes;
using ModelContextProtocol.Server;

namespace Obot.ConformanceServer.Tools;

/// <summary>A tool that filters, with the contract of filter servers.</summary>
[McpServerToolType]
internal sealed class FilterTools
{
    internal sealed record Verdict(bool Accept, bool Mutated, JsonObject Message, string Reason);

    [McpServerTool(Name = "judge", UseStructuredContent = true), Description("Rejects messages with 'forbidden' in them and replaces 'replace-me'")]
    public static Verdict Judge(bool accept, bool mutated, JsonObject message, string reason)
    {
        var text = message.ToJsonString();
        return text.Contains("forbidden", StringComparison.Ordinal)
            ? new(Accept: false, mutated, message, "the fixture forbids it")
            : text.Contains("replace-me", StringComparison.Ordinal)
                ? new(accept, Mutated: true, JsonNode.Parse(text.Replace("replace-me", "replaced", StringComparison.Ordinal))!.AsObject(), "put something else there")
                : new(accept, mutated, message, reason);
    }

    [McpServerTool(Name = "judge_as_text"), Description("The same, as JSON in a text")]
    public static string JudgeAsText(bool accept, bool mutated, JsonObject message, string reason)
    {
        var verdict = Judge(accept, mutated, message, reason);
        return $$"""{"accept":{{(verdict.Accept ? "true" : "false")}},"mutated":{{(verdict.Mutated ? "true" : "false")}},"message":{{verdict.Message.ToJsonString()}},"reason":"{{verdict.Reason}}"}""";
    }

    [McpServerTool(Name = "judge_badly"), Description("Answers with what is no decision")]
    public static string JudgeBadly(JsonObject message) => $"a message of {message.ToJsonString().Length} characters";

    [McpServerTool(Name = "judge_never"), Description("Does not come to an end")]
    public static Task JudgeNever(CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);
}
