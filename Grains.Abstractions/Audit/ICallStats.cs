using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Audit;

/// <summary>Port: how servers are used, from hourly roll-ups. Who sees what is as in <see cref="IAuditLogs"/>.</summary>
public interface ICallStats
{
    /// <exception cref="NotAllowedException">The caller may see no statistics.</exception>
    /// <exception cref="InvalidInputException">A period that cannot be.</exception>
    Task<CallStats> Read(Principal caller, StatsQuery query, CancellationToken cancellationToken);
}

public sealed record StatsQuery
{
    public string? McpServerId { get; init; }
    public string? UserId { get; init; }

    /// <summary>From, inclusive; cut to the hour. Default: a day before <see cref="EndTime"/>.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>To, exclusive; the hour that it is in counts whole. Default: now.</summary>
    public DateTimeOffset? EndTime { get; init; }
}

/// <param name="Total">All servers together.</param>
/// <param name="Servers">By calls, most first; at most 100.</param>
/// <param name="Tools">By calls, most first; at most 50.</param>
/// <param name="Periods">Hours, or days where the period is longer than three.</param>
public sealed record CallStats(
    DateTimeOffset StartTime, DateTimeOffset EndTime, CallFigures Total, IReadOnlyList<ServerFigures> Servers, IReadOnlyList<ToolFigures> Tools, IReadOnlyList<PeriodFigures> Periods);

/// <param name="Errors">Calls that were refused, answered with an error, or whose tool said so.</param>
/// <param name="Users">Different users.</param>
/// <param name="P50Ms">Median duration in milliseconds, right within 4.5 %; null without calls.</param>
public sealed record CallFigures(long Calls, long Errors, long Users, double? P50Ms, double? P95Ms);

public sealed record ServerFigures(string McpServerId, string? Name, CallFigures Figures);

public sealed record ToolFigures(string McpServerId, string? ServerName, string Tool, CallFigures Figures);

public sealed record PeriodFigures(DateTimeOffset Start, CallFigures Figures);
