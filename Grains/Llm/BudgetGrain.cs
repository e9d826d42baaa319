using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <inheritdoc cref="IBudgetGrain"/>
[GrainType("llm-budget")]
internal sealed class BudgetGrain([PersistentState("llm-budget")] IPersistentState<BudgetState> stored, TimeProvider time) : Grain, IBudgetGrain
{
    private readonly BudgetLedger ledger = new(time);
    private long written;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        ledger.Restore(stored.State);
        RegisterGrainExpiry();
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        // an orderly end claims nothing beyond what is spent and lent; what is lent counts as spent for whoever comes next
        ledger.Exact();
        await WriteAsync();
    }

    public async Task<BudgetDraw> Draw(BudgetTerms terms, BudgetReport report, CancellationToken cancellationToken)
    {
        var answer = ledger.Draw(terms, report);
        await ClaimedAsync();
        return answer;
    }

    public Task<RequestLease> Lease(BudgetTerms terms, int wanted, CancellationToken cancellationToken) => Task.FromResult(ledger.Lease(terms, wanted));

    public Task<BudgetStanding> Read(BudgetTerms terms) => Task.FromResult(ledger.Read(terms));

    /// <summary>Accounts of a silo that is gone end also while nobody calls.</summary>
    private void RegisterGrainExpiry() => this.RegisterGrainTimer(
        static (self, _) => { self.ledger.Expire(); return self.ClaimedAsync(); }, this, new() { DueTime = BudgetLedger.Lifetime, Period = BudgetLedger.Lifetime, Interleave = false });

    /// <summary>
    /// Nothing is granted before the table knows a claim that covers it, so a grain whose silo dies forgets no spending. One write covers
    /// many calls: it claims some way ahead.
    /// </summary>
    private async Task ClaimedAsync()
    {
        if (ledger.Claim is var claim && claim != written)
        {
            await WriteAsync();
        }
    }

    private async Task WriteAsync()
    {
        var claim = ledger.Claim;
        stored.State = ledger.Save();
        await stored.WriteStateAsync();
        written = claim;
    }
}

/// <summary>What outlives the grain.</summary>
[GenerateSerializer, Alias("Obot.BudgetState")]
internal sealed class BudgetState
{
    [Id(0)]
    public DateTimeOffset PeriodStart { get; set; }

    /// <summary>At least what was spent and set aside when this was written, and all that was granted since.</summary>
    [Id(1)]
    public BudgetAmount Claimed { get; set; }
}
