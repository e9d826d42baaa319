using System.Text;
using System.Text.Json;
using Obot.Shim.Boot;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Control;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Filters;

/// <summary>Mode <c>filter</c>: one message past one filter, as a guard would do it. Reads a <see cref="FilterTrial"/>, writes a <see cref="FilterTrialResult"/>.</summary>
internal static class FilterTrialHost
{
    /// <returns>0 when the filter was tried, whatever it said; 1 when the trial could not be read.</returns>
    public static async Task<int> RunAsync(Stream input, Stream output, TimeProvider time)
    {
        using var lifetime = new LifetimePipe(input);
        try
        {
            var result = await TryAsync(await lifetime.ReadBootAsync(ShimJson.Default.FilterTrial), time, lifetime.Stopping);
            await output.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(result, ShimJson.Default.FilterTrialResult));
            await output.FlushAsync();
            return 0;
        }
        catch (InvalidDataException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }

    public static async Task<FilterTrialResult> TryAsync(FilterTrial trial, TimeProvider time, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> message = Encoding.UTF8.GetBytes(trial.Message.GetRawText());
        var envelope = EnvelopeReader.Read(message.Span);
        var subject = new FilterSubject(
            trial.IsResponse, envelope.Method ?? trial.Method, JsonText.Read(message.Span, ModernHeaders.NameOf(envelope)) ?? trial.Identifier, trial.ServerId, trial.UserId);
        var filter = new CompiledFilter(trial.Filter, trial.Answer is { } answer ? new Answered(answer) : FilterFactory.Alone.Create(trial.Filter));
        if (!(trial.IsResponse ? trial.Filter.OnResponse : trial.Filter.OnRequest) || !filter.Covers(subject.Method ?? "", subject.Identifier))
        {
            return new() { Message = trial.Message };
        }

        var begun = time.GetTimestamp();
        var verdict = await FilterChain.AskAsync(filter, subject, message, cancellationToken);
        return new()
        {
            Matches = true,
            Run = new(trial.Filter.Name, verdict.Outcome, verdict.Detail),
            Message = verdict.Outcome switch
            {
                FilterOutcomes.Accepted => trial.Message,
                FilterOutcomes.Mutated => JsonElement.Parse(verdict.Message.Span),
                _ => null,
            },
            Milliseconds = time.GetElapsedTime(begun).TotalMilliseconds,
        };
    }

    /// <summary>A filter server that has been asked already.</summary>
    private sealed class Answered(FilterAnswer answer) : IMessageFilter
    {
        public ValueTask<FilterVerdict> JudgeAsync(FilterSubject subject, ReadOnlyMemory<byte> message, bool mayMutate, CancellationToken cancellationToken) =>
            new(FilterAnswers.Judge(answer, message, isDecision: true));
    }
}
