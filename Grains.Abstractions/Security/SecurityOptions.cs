namespace Obot.Grains.Abstractions.Security;

/// <summary>Section <c>Obot:Security</c>.</summary>
public sealed class SecurityOptions
{
    /// <summary>A silo or a guard that has not heard of security changes for so long refuses every call. Default 5 minutes.</summary>
    public TimeSpan MaxStaleness { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long a guard's credential is good for, 90 s … 7 days, default 1 hour. Connected guards get a new one when a third of it is over; one that was
    /// cut off for longer than the rest is replaced.
    /// </summary>
    public TimeSpan GuardCredentialLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>When a connected guard gets its next credential.</summary>
    public TimeSpan RenewGuardCredentialEvery => GuardCredentialLifetime / 3;
}
