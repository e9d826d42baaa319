namespace Obot.Gateway.Llm.Translation;

/// <summary>Why a model stopped.</summary>
internal enum StopReason
{
    End,
    MaxTokens,
    ToolUse,
    Refusal,
}

/// <summary>What an answer brings, in the order in which it comes; a whole answer brings the same at once.</summary>
internal abstract record AnswerPart;

internal sealed record AnswerStarted(string Id, string Model) : AnswerPart;

internal sealed record TextArrived(string Text) : AnswerPart;

/// <summary>Thinking that the provider shows.</summary>
internal sealed record ThoughtArrived(string Text) : AnswerPart;

/// <param name="Index">From 0, among the tool calls of the answer.</param>
internal sealed record ToolCallStarted(int Index, string Id, string Name) : AnswerPart;

internal sealed record ArgumentsArrived(int Index, string Json) : AnswerPart;

/// <param name="StopSequence">The one that was met, where the provider says.</param>
internal sealed record AnswerStopped(StopReason Reason, string? StopSequence = null) : AnswerPart;

/// <summary>The provider reports an error in the middle of its stream.</summary>
internal sealed record AnswerFailed(string Message) : AnswerPart;
