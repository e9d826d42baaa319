using System.Collections.Concurrent;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Authentication;

/// <summary>
/// What one credential proved. Kept until it expires or is revoked, together with the assertions already signed for it, so that a
/// warm request costs one hash and two look-ups.
/// </summary>
internal sealed class Verdict(Principal principal, DateTimeOffset goodUntil, UserLoad load)
{
    private readonly ConcurrentDictionary<McpInstanceId, Assertion> assertions = new();

    public Principal Principal { get; } = principal;

    public DateTimeOffset GoodUntil { get; } = goodUntil;

    /// <summary>Shared by all credentials of the user.</summary>
    public UserLoad Load { get; } = load;

    public string AssertionFor(McpInstanceId instance, IAssertionIssuer issuer, DateTimeOffset now)
    {
        if (assertions.TryGetValue(instance, out var assertion) && now < assertion.RenewAt)
        {
            return assertion.Token;
        }

        return (assertions[instance] = issuer.Issue(Principal, instance)).Token;
    }
}
