using System.Runtime.CompilerServices;
using Obot.Gateway.Llm.Answers;
using Obot.Grains.Abstractions.Llm;
using Polly;
using Polly.CircuitBreaker;

namespace Obot.Gateway.Llm.Upstream;

/// <summary>
/// One circuit a provider and silo: when half of its calls within 30 s fail (ten of them at least), it is left alone for 10 s; then one call
/// tries. A provider that was changed begins anew.
/// </summary>
internal sealed class Circuits(TimeProvider time)
{
    private readonly ConditionalWeakTable<LlmProvider, ResiliencePipeline<Attempt>> circuits = [];

    /// <returns>The attempt as it went; with a fault where the circuit is open.</returns>
    public async ValueTask<AttemptOutcome> SendAsync(Attempt attempt, LlmForwarder forwarder)
    {
        var circuit = circuits.GetValue(attempt.Target.Provider, _ => Make());
        var outcome = AttemptOutcome.Failed;
        try
        {
            await circuit.ExecuteAsync(
                async (one, _) =>
                {
                    outcome = await forwarder.SendAsync(one);
                    one.IsProvidersFault |= one.Call.Answer?.End is AnswerEnd.Broken or AnswerEnd.TimedOut;
                    return one;
                },
                attempt);
            return outcome;
        }
        catch (BrokenCircuitException e)
        {
            attempt.Fault = new(503, "provider_circuit_open", $"Provider '{attempt.Target.Provider.Id}' failed too often just now and is left alone for a moment.") { RetryAfter = e.RetryAfter ?? TimeSpan.FromSeconds(10) };
            return AttemptOutcome.Failed;
        }
    }

    private ResiliencePipeline<Attempt> Make() => new ResiliencePipelineBuilder<Attempt> { TimeProvider = time }
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions<Attempt>
        {
            FailureRatio = 0.5,
            MinimumThroughput = 10,
            SamplingDuration = TimeSpan.FromSeconds(30),
            BreakDuration = TimeSpan.FromSeconds(10),
            ShouldHandle = static outcome => new(outcome.Outcome.Result is { IsProvidersFault: true }),
        })
        .Build();
}
