using System.Runtime.InteropServices;
using Obot.Shim.Contracts.Audit;

namespace Obot.Shim.Guard.Filters;

/// <summary>Asks one filter after the other, each within its time, and writes down on the call what each said. The first that does not accept ends it.</summary>
internal static class FilterChain
{
    public static async Task<Passage> RunAsync(GuardCall call, CompiledFilter[] steps, FilterSubject subject, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        foreach (var step in steps)
        {
            var verdict = await AskAsync(step, subject, message, cancellationToken);
            call.Filtered(new(step.Config.Name, verdict.Outcome, verdict.Detail?[..Math.Min(verdict.Detail.Length, FilterRun.MaxDetail)]));
            switch (verdict.Outcome)
            {
                case FilterOutcomes.Accepted:
                    break;
                case FilterOutcomes.Mutated:
                    message = verdict.Message;
                    break;
                case FilterOutcomes.Rejected:
                    return new(message, $"The filter '{step.Config.Name}' rejected this {(subject.IsResponse ? "answer" : "call")}{(verdict.Detail is null ? "." : $": {verdict.Detail}")}");
                default:
                    return new(message, $"The filter '{step.Config.Name}' could not check this {(subject.IsResponse ? "answer" : "call")}, so it was blocked: {verdict.Detail}");
            }
        }

        return new(message, null);
    }

    /// <summary>Never throws but for the caller who went away.</summary>
    public static async Task<FilterVerdict> AskAsync(CompiledFilter step, FilterSubject subject, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(step.Timeout);
        try
        {
            var verdict = await step.Filter.JudgeAsync(subject, message, step.Config.AllowedToMutate, limit.Token);
            return verdict.Outcome is FilterOutcomes.Mutated ? Checked(step, message, verdict) : verdict;
        }
        catch (FilterFault e)
        {
            return new(FilterOutcomes.Failed, e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(FilterOutcomes.Failed, $"it did not answer within {step.Timeout.TotalSeconds:0.###} s");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new(FilterOutcomes.Failed, $"it broke down ({e.GetType().Name})");
        }
    }

    private static FilterVerdict Checked(CompiledFilter step, ReadOnlyMemory<byte> message, FilterVerdict verdict)
    {
        if (!step.Config.AllowedToMutate)
        {
            return new(FilterOutcomes.Failed, "it changed the message, which it is not allowed to (allowedToMutate)");
        }

        return MessageChange.Fault(message.Span, verdict.Message.Span) is { } fault ? new(FilterOutcomes.Failed, $"what it made of the message cannot be used: {fault}") : verdict;
    }
}

/// <param name="Message">As it goes on.</param>
/// <param name="Blocked">Why it does not, for a person.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Passage(ReadOnlyMemory<byte> Message, string? Blocked);
