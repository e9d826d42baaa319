namespace Obot.Grains.Abstractions.Security;

/// <summary>Section <c>Obot:Security</c>.</summary>
public sealed class SecurityOptions
{
    /// <summary>A silo or a guard that has not heard of security changes for so long refuses every call. Default 5 minutes.</summary>
    public TimeSpan MaxStaleness { get; set; } = TimeSpan.FromMinutes(5);
}
