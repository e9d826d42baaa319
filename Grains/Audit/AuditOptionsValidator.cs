using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Audit;

namespace Obot.Grains.Audit;

internal sealed class AuditOptionsValidator : IValidateOptions<AuditOptions>
{
    public ValidateOptionsResult Validate(string? name, AuditOptions options)
    {
        var failures = new List<string>();
        Require(options.RetentionDays is >= 1 and <= 3650, "RetentionDays must be 1 … 3650.");
        Require(options.MaxBodyBytes is >= 0 and <= AuditOptions.MostBodyBytes, $"MaxBodyBytes must be 0 … {AuditOptions.MostBodyBytes}.");
        Require(options.MaxBacklogBytes >= 1024 * 1024, "MaxBacklogBytes must be at least 1048576.");
        Require(Enum.IsDefined(options.WhenFull), "WhenFull must be 'refuse' or 'drop'.");
        Require(options.AnonymousRefusalsPerSecond >= 1, "AnonymousRefusalsPerSecond must be at least 1.");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

        void Require(bool condition, string message)
        {
            if (!condition)
            {
                failures.Add($"{AuditOptions.Section}:{message}");
            }
        }
    }
}
