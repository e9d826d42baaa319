using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Messages;

/// <summary>
/// Message policies at a call: what the user says before it is made, what the model wants to do before the caller sees it. Patterns first; only
/// what passed them goes to a judge. What cannot be judged is refused.
/// </summary>
internal sealed partial class MessageGuard(MessageMatcher matcher, MessageJudge judge, ILogger<MessageGuard> logger)
{
    /// <summary>Whether the answer has to be held back until its tool calls were looked at.</summary>
    public static bool HoldsAnswer(LlmCall call) => call.Decision.Policies.Any(static policy => policy.AppliesTo.Contains(MessagePlaces.ToolCall, StringComparer.Ordinal));

    /// <returns>Why the call is refused; null when it is not.</returns>
    public async ValueTask<LlmError?> CheckRequestAsync(LlmCall call, CancellationToken cancellationToken)
    {
        var policies = Of(call, MessagePlaces.UserMessage);
        if (policies.Count == 0 || call.Door.Operation is LlmOperation.CountTokens)
        {
            return null;
        }

        var said = MessageTexts.OfUser(call.Door.Operation, call.Body);
        return said.Count == 0 ? null : await CheckAsync(call, policies, MessagePlaces.UserMessage, said, said[^1], cancellationToken);
    }

    /// <returns>What the caller gets instead of the answer; null when it may have it.</returns>
    public async ValueTask<byte[]?> CheckAnswerAsync(LlmCall call, ReadOnlyMemory<byte> answer, CancellationToken cancellationToken)
    {
        var policies = Of(call, MessagePlaces.ToolCall);
        LlmError? refusal;
        try
        {
            var calls = MessageTexts.OfToolCalls(call.Door.Operation, call.Filter!.IsStream, answer);
            refusal = calls.Count == 0 ? null : await CheckAsync(call, policies, MessagePlaces.ToolCall, calls, string.Join('\n', calls), cancellationToken);
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or InvalidOperationException)
        {
            LogUnreadable(e.Message);
            refusal = new(StatusCodes.Status403Forbidden, "message_policy", "The answer's tool calls could not be read, and a message policy wants them to be.");
        }

        if (refusal is null)
        {
            return null;
        }

        call.Error = refusal;
        var response = call.Context.Response;
        response.StatusCode = refusal.Status;
        response.ContentType = "application/json";
        response.ContentLength = null;
        return refusal.ToJson(call.Door.Dialect);
    }

    private static List<MessagePolicyView> Of(LlmCall call, string place) => [.. call.Decision.Policies.Where(policy => policy.AppliesTo.Contains(place, StringComparer.Ordinal))];

    private async ValueTask<LlmError?> CheckAsync(LlmCall call, List<MessagePolicyView> policies, string place, IReadOnlyList<string> all, string latest, CancellationToken cancellationToken)
    {
        foreach (var policy in policies.Where(policy => policy.Kind != MessagePolicyKinds.Judged))
        {
            if (matcher.Find(policy, all) is { } found)
            {
                return Refuse(call, policy, place, found);
            }
        }

        foreach (var group in policies.Where(policy => policy.Kind == MessagePolicyKinds.Judged).GroupBy(policy => policy.Judge!, StringComparer.Ordinal))
        {
            try
            {
                if (await judge.FindAsync(group.Key, [.. group], place, latest, cancellationToken) is { } broken)
                {
                    return Refuse(call, broken.Policy, place, broken.Reason);
                }
            }
            catch (JudgeException e)
            {
                LogNotJudged(e.Message);
                call.Violations = [new(group.First().Id, group.First().DisplayName, place, "could not be judged")];
                return new(StatusCodes.Status403Forbidden, "message_policy_unavailable", $"Whether this breaks '{group.First().DisplayName}' could not be judged just now, so it is refused. Try again.") { RetryAfter = TimeSpan.FromSeconds(5) };
            }
        }

        return null;
    }

    private static LlmError Refuse(LlmCall call, MessagePolicyView policy, string place, string reason)
    {
        call.Violations = [new(policy.Id, policy.DisplayName, place, reason)];
        var what = place == MessagePlaces.ToolCall ? "A tool call of the model" : "Your message";
        return new(StatusCodes.Status403Forbidden, "message_policy", $"{what} breaks the policy '{policy.DisplayName}': {reason}.");
    }

    [LoggerMessage(LogLevel.Warning, "A message could not be judged and was refused: {Reason}")]
    private partial void LogNotJudged(string reason);

    [LoggerMessage(LogLevel.Warning, "Tool calls of an answer could not be read, it was refused: {Reason}")]
    private partial void LogUnreadable(string reason);
}
