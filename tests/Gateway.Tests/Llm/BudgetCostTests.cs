using System.Text;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Llm;
using Obot.Gateway.Llm.Budgets;
using Obot.Gateway.Llm.Requests;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

public sealed class BudgetCostTests
{
    /// <summary>The provider reads, and is paid for it, whether or not somebody waits for its answer.</summary>
    [Theory]
    [InlineData(1, false, true)]
    [InlineData(0, false, false)]
    [InlineData(1, true, false)]
    public void Attack_OfHangingUpBeforeTheAnswer_CostsWhatWasSent(int attempts, bool refused, bool costs)
    {
        var call = new LlmCall(new DefaultHttpContext(), LlmDoor.Of("/openai/v1/chat/completions")!.Value, null!, Guid.CreateVersion7(), 0)
        {
            Scan = RequestScan.Of(Encoding.UTF8.GetBytes($$"""{"model":"m","messages":[{"content":"{{new string('x', 30_000)}}"}]}""")),
            Attempts = attempts,
            Error = refused ? LlmError.Invalid("no") : null,
        };
        Assert.Equal(costs, BudgetDesk.Actual(call).Tokens >= 10_000);
    }
}
