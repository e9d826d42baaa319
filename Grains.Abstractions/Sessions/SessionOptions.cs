namespace Obot.Grains.Abstractions.Sessions;

/// <summary>Section <c>Obot:Sessions</c>.</summary>
public sealed class SessionOptions
{
    /// <summary>A session that nobody used for so long ends; an open page is use. At least 10 s. Default 12 hours.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromHours(12);

    /// <summary>A session ends after so long however much it is used. Default 7 days.</summary>
    public TimeSpan AbsoluteTimeout { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// How long a silo trusts what the session's grain said last: a tenth of the idle time-out, 5 minutes at most. The grain learns of use
    /// at this pace, so a session may end that much earlier than <see cref="IdleTimeout"/> says.
    /// </summary>
    public TimeSpan Recheck => IdleTimeout / 10 < TimeSpan.FromMinutes(5) ? IdleTimeout / 10 : TimeSpan.FromMinutes(5);
}
