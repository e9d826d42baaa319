using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Budgets;

/// <summary>
/// Sets aside what a call may cost, keeps that while the call is under way, and settles what it did cost. Fails closed: without an answer
/// of a budget's grain the call is refused.
/// </summary>
internal sealed partial class BudgetDesk(IGrainFactory grains, RequestLeases leases, IOptions<LlmOptions> options, TimeProvider time, ILogger<BudgetDesk> logger) : BackgroundService
{
    private const int Tries = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, OpenCall> open = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Task, byte> settling = new();

    /// <returns>Null when the call may be made; it must be settled then.</returns>
    public async ValueTask<LlmError?> ReserveAsync(LlmCall call, CancellationToken cancellationToken)
    {
        var scopes = call.Decision.Budgets;
        if (scopes.Count == 0)
        {
            return null;
        }

        var most = Most(call);
        var granted = new List<LlmBudgetScope>(scopes.Count);
        LlmError? refusal = null;
        try
        {
            foreach (var scope in scopes)
            {
                refusal = await TakeAsync(scope, call.Key, most, granted, cancellationToken);
                if (refusal is not null)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is OrleansException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            LogAway(e.Message);
            refusal = new(StatusCodes.Status503ServiceUnavailable, "budget_unavailable", "Whether the budget allows this call cannot be known just now. Try again.") { RetryAfter = TimeSpan.FromSeconds(2) };
        }

        if (refusal is null)
        {
            open[call.Key] = new(call, granted);
        }
        else if (granted.Count > 0)
        {
            Track(SettleAsync(granted, call.Key, default));
        }

        return refusal;
    }

    /// <summary>Returns at once; what the grains do not take now is tried again, and ends with the reservation's lifetime at the latest.</summary>
    public void Settle(LlmCall call)
    {
        if (open.TryRemove(call.Key, out var one))
        {
            Track(SettleAsync(one.Scopes, call.Key, Actual(call)));
        }
    }

    /// <summary>What the call cost; where the provider did not say, what it looks like.</summary>
    public static BudgetAmount Actual(LlmCall call)
    {
        if (call.Answer is null || !call.Succeeded)
        {
            return default;
        }

        var usage = call.Usage;
        return usage.IsKnown
            ? Cost(call.Target?.Prices, usage.Input, usage.CachedInput, usage.Output)
            : Cost(call.Target?.Prices, call.Scan.InputTokens, 0, call.Filter?.EventCount ?? 0);
    }

    /// <summary>US dollars a million tokens are millionths of a dollar a token.</summary>
    public static BudgetAmount Cost(ModelPrices? prices, long input, long cached, long output) => new(
        input + output,
        prices is null ? 0 : (long)decimal.Ceiling(((input - cached) * prices.Input) + (cached * (prices.CachedInput ?? prices.Input)) + (output * prices.Output)));

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(settling.Keys).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(RenewEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await RenewAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // the silo stops; calls in hand are settled one by one
        }
    }

    private async Task RenewAsync()
    {
        var byGrain = open.Values.SelectMany(one => one.Scopes.Select(scope => (scope.Key, One: new BudgetReservation(one.Call.Key, SoFar(one.Call))))).GroupBy(pair => pair.Key, pair => pair.One, StringComparer.Ordinal);
        foreach (var group in byGrain)
        {
            try
            {
                await grains.GetGrain<IBudgetGrain>(group.Key).Renew([.. group]).WaitAsync(Patience, time);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                LogAway(e.Message);
            }
        }
    }

    private async ValueTask<LlmError?> TakeAsync(LlmBudgetScope scope, string callId, BudgetAmount most, List<LlmBudgetScope> granted, CancellationToken cancellationToken)
    {
        if (await leases.TakeAsync(scope, cancellationToken) is { } resetsAt)
        {
            return new(StatusCodes.Status429TooManyRequests, "rate_limit_exceeded", $"'{scope.Name}' allows {scope.Terms.RequestsPerMinute} requests a minute. The next minute begins at {Text(resetsAt)}.") { RetryAfter = resetsAt - time.GetUtcNow() };
        }

        if (scope.Terms is { Tokens: null, MicroUsd: null })
        {
            return null;
        }

        var answer = await grains.GetGrain<IBudgetGrain>(scope.Key).Reserve(scope.Terms, new(callId, most), cancellationToken).WaitAsync(Patience, time, cancellationToken);
        if (answer.Granted)
        {
            granted.Add(scope);
            return null;
        }

        var limit = answer.Exhausted == "usd" ? string.Create(CultureInfo.InvariantCulture, $"${scope.Terms.MicroUsd / 1e6m:0.00####}") : $"{scope.Terms.Tokens} tokens";
        return new(StatusCodes.Status402PaymentRequired, "budget_exhausted", $"'{scope.Name}' allows {limit} a {scope.Terms.Period}, and what is left does not cover this request. It begins anew at {Text(answer.ResetsAt)}.")
        {
            RetryAfter = answer.ResetsAt - time.GetUtcNow(),
        };
    }

    private async Task SettleAsync(IReadOnlyList<LlmBudgetScope> scopes, string callId, BudgetAmount actual)
    {
        foreach (var scope in scopes)
        {
            for (var i = 1; ; i++)
            {
                try
                {
                    await grains.GetGrain<IBudgetGrain>(scope.Key).Settle(callId, actual).WaitAsync(Patience, time);
                    break;
                }
                catch (Exception e) when (e is OrleansException or TimeoutException)
                {
                    LogAway(e.Message);
                    if (i == Tries)
                    {
                        break;
                    }

                    await Task.Delay(TimeSpan.FromSeconds(i), time);
                }
            }
        }
    }

    private void Track(Task task)
    {
        if (task.IsCompletedSuccessfully)
        {
            return;
        }

        settling[task] = 0;
        _ = task.ContinueWith(static (done, all) => ((ConcurrentDictionary<Task, byte>)all!).TryRemove(done, out _), settling, TaskScheduler.Default);
    }

    private BudgetAmount Most(LlmCall call)
    {
        var output = call.Door.Operation is LlmOperation.Embeddings or LlmOperation.CountTokens ? 0 : (call.Scan.MaxOutputTokens ?? options.Value.ReservedOutputTokens) * call.Scan.Choices;
        var dearest = call.Decision.Targets.Select(target => Cost(target.Prices, call.Scan.InputTokens, 0, output)).MaxBy(cost => cost.MicroUsd);
        return dearest;
    }

    private static BudgetAmount SoFar(LlmCall call) => Cost(call.Target?.Prices, call.Scan.InputTokens, 0, call.Filter?.EventCount ?? 0);

    private static string Text(DateTimeOffset at) => at.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    [LoggerMessage(LogLevel.Warning, "A budget does not answer: {Fault}")]
    private partial void LogAway(string fault);

    private sealed record OpenCall(LlmCall Call, IReadOnlyList<LlmBudgetScope> Scopes);
}
