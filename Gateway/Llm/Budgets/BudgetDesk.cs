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
/// Sets aside what a call may cost, keeps that while the call is under way, and settles what it did cost, from this silo's parts of the budgets. Fails closed: without an
/// answer of a budget's grain the call is refused.
/// </summary>
internal sealed partial class BudgetDesk(IGrainFactory grains, RequestLeases leases, IOptions<LlmOptions> options, TimeProvider time, ILogger<BudgetDesk> logger) : BackgroundService
{
    private const int OverdueAfter = 20;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, Purse> purses = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Task, byte> telling = new();

    /// <returns>Null when the call may be made; it must be settled then.</returns>
    public async ValueTask<LlmError?> ReserveAsync(LlmCall call, CancellationToken cancellationToken)
    {
        var scopes = call.Decision.Budgets;
        if (scopes.Count == 0)
        {
            return null;
        }

        var most = Most(call);
        try
        {
            foreach (var scope in scopes)
            {
                if (await TakeAsync(scope, call, most, cancellationToken) is { } refusal)
                {
                    Settle(call);
                    return refusal;
                }
            }

            return null;
        }
        catch (Exception e) when (e is OrleansException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            LogAway(e.Message);
            Settle(call);
            return new(StatusCodes.Status503ServiceUnavailable, "budget_unavailable", "Whether the budget allows this call cannot be known just now. Try again.") { RetryAfter = TimeSpan.FromSeconds(2) };
        }
    }

    /// <summary>Where a budget's end is near its grain is told at once; else with the next interval.</summary>
    public void Settle(LlmCall call)
    {
        if (call.Holds is not { } holds)
        {
            return;
        }

        call.Holds = null;
        var actual = Actual(call);
        foreach (var hold in holds)
        {
            hold.Settle(actual);
            if (hold.Purse.IsTight)
            {
                Track(TellAsync(hold.Purse));
            }
        }
    }

    /// <summary>What the call cost; where the provider did not say, what it looks like.</summary>
    public static BudgetAmount Actual(LlmCall call)
    {
        if (call is { Answer: null, Error: null, Attempts: > 0 })
        {
            // whoever hangs up on a provider at work pays for what it has read
            return Cost(call.Target?.Prices, call.Scan.InputTokens, 0, 0);
        }

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

    /// <summary>What it has cost until now, as far as one can see.</summary>
    public static BudgetAmount SoFar(LlmCall call) => Cost(call.Target?.Prices, call.Scan.InputTokens, 0, call.Filter?.EventCount ?? 0);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll([.. telling.Keys, .. purses.Values.Select(TellAsync)]).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            for (var round = 1; await timer.WaitForNextTickAsync(stoppingToken); round++)
            {
                await Task.WhenAll(purses.Select(pair => RoundAsync(pair.Key, pair.Value, round % OverdueAfter == 0)));
            }
        }
        catch (OperationCanceledException)
        {
            // the silo stops; what is left is told once more
        }
    }

    private async Task RoundAsync(string key, Purse purse, bool isOverdue)
    {
        try
        {
            if (!await purse.ReportAsync(isDue: true, isOverdue))
            {
                purses.TryRemove(new(key, purse));
            }
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            LogAway(e.Message);
        }
    }

    private async Task TellAsync(Purse purse)
    {
        try
        {
            await purse.ReportAsync(isDue: false, isOverdue: false);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            // with the next interval, then
            LogAway(e.Message);
        }
    }

    private async ValueTask<LlmError?> TakeAsync(LlmBudgetScope scope, LlmCall call, BudgetAmount most, CancellationToken cancellationToken)
    {
        if (await leases.TakeAsync(scope, cancellationToken) is { } resetsAt)
        {
            return new(StatusCodes.Status429TooManyRequests, "rate_limit_exceeded", $"'{scope.Name}' allows {scope.Terms.RequestsPerMinute} requests a minute. The next minute begins at {Text(resetsAt)}.") { RetryAfter = resetsAt - time.GetUtcNow() };
        }

        if (scope.Terms is { Tokens: null, MicroUsd: null })
        {
            return null;
        }

        PurseAnswer? taken;
        do
        {
            taken = await purses.GetOrAdd(scope.Key, static (key, desk) => new(key, desk.grains, desk.time), (grains, time)).TakeAsync(scope.Terms, call, most, cancellationToken);
        }
        while (taken is null);

        if (taken.Value.Hold is { } hold)
        {
            (call.Holds ??= new(1)).Add(hold);
            return null;
        }

        var limit = taken.Value.Exhausted == "usd" ? string.Create(CultureInfo.InvariantCulture, $"${scope.Terms.MicroUsd / 1e6m:0.00####}") : $"{scope.Terms.Tokens} tokens";
        return new(StatusCodes.Status402PaymentRequired, "budget_exhausted", $"'{scope.Name}' allows {limit} a {scope.Terms.Period}, and what is left does not cover this request. It begins anew at {Text(taken.Value.ResetsAt)}.")
        {
            RetryAfter = taken.Value.ResetsAt - time.GetUtcNow(),
        };
    }

    private void Track(Task task)
    {
        if (task.IsCompletedSuccessfully)
        {
            return;
        }

        telling[task] = 0;
        _ = task.ContinueWith(static (done, all) => ((ConcurrentDictionary<Task, byte>)all!).TryRemove(done, out _), telling, TaskScheduler.Default);
    }

    private BudgetAmount Most(LlmCall call)
    {
        var output = call.Door.Operation is LlmOperation.Embeddings or LlmOperation.CountTokens ? 0 : (call.Scan.MaxOutputTokens ?? options.Value.ReservedOutputTokens) * call.Scan.Choices;
        var dearest = default(BudgetAmount);
        foreach (var target in call.Decision.Targets)
        {
            var cost = Cost(target.Prices, call.Scan.InputTokens, 0, output);
            dearest = cost.MicroUsd >= dearest.MicroUsd ? cost : dearest;
        }

        return dearest;
    }

    private static string Text(DateTimeOffset at) => at.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    [LoggerMessage(LogLevel.Warning, "A budget does not answer: {Fault}")]
    private partial void LogAway(string fault);
}
