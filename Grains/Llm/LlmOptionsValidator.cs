using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

internal sealed class LlmOptionsValidator : IValidateOptions<LlmOptions>
{
    private static readonly TimeSpan MostDrain = TimeSpan.FromMinutes(10);

    public ValidateOptionsResult Validate(string? name, LlmOptions options)
    {
        var failures = new List<string>();
        Require(options.MaxRequestBodyBytes >= 1024, "MaxRequestBodyBytes must be 1024 or more.");
        Require(options.MaxOpenPerUser >= 1, "MaxOpenPerUser must be 1 or more.");
        Require(options.ReservedOutputTokens >= 0, "ReservedOutputTokens must be 0 or more.");
        Require(options.AuditBodyBytes is >= 0 and <= 1024 * 1024, "AuditBodyBytes must be 0 to 1048576.");
        Require(options.CacheFor >= TimeSpan.Zero, "CacheFor must be 0 or more.");
        Require(options.DiscoveryTimeout > TimeSpan.Zero, "DiscoveryTimeout must be more than 0.");
        Require(options.DrainTimeout >= TimeSpan.Zero && options.DrainTimeout <= MostDrain, "DrainTimeout must be 00:00:00 to 00:10:00.");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

        void Require(bool holds, string failure)
        {
            if (!holds)
            {
                failures.Add($"Obot:Llm:{failure}");
            }
        }
    }
}
