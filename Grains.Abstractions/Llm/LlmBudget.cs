using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/llm-budgets</c>.</summary>
public sealed record NewLlmBudget
{
    /// <summary>1 to 100 characters.</summary>
    public string DisplayName { get; init; } = "";

    /// <summary>Whose: <see cref="BudgetSubjectTypes"/>; the id <c>*</c> gives each user, key or model one of their own.</summary>
    public RuleSubject? Subject { get; init; }

    /// <summary>Only calls of these models count, as in <see cref="PolicyModel.Id"/>; all when left out.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary><c>hour</c>, <c>day</c> or <c>month</c>, of the calendar in UTC.</summary>
    public string Period { get; init; } = BudgetPeriods.Day;

    /// <summary>Tokens in a period, read and written.</summary>
    public long? Tokens { get; init; }

    /// <summary>US dollars in a period, by the models' prices.</summary>
    public decimal? Usd { get; init; }

    public int? RequestsPerMinute { get; init; }
}

public static class BudgetSubjectTypes
{
    public const string User = "user";

    /// <summary>All members together.</summary>
    public const string Group = "group";

    /// <summary>An API key.</summary>
    public const string Key = "key";

    /// <summary>All callers of one model together.</summary>
    public const string Model = "model";

    /// <summary>Everybody together: id <c>*</c>.</summary>
    public const string Everyone = "selector";

    public static IReadOnlyList<string> All { get; } = [User, Group, Key, Model, Everyone];
}

public static class BudgetPeriods
{
    public const string Hour = "hour";
    public const string Day = "day";
    public const string Month = "month";

    public static IReadOnlyList<string> All { get; } = [Hour, Day, Month];

    /// <summary>Beginning and end of the period that a moment is in.</summary>
    public static (DateTimeOffset Start, DateTimeOffset End) Around(string period, DateTimeOffset now)
    {
        var utc = now.ToUniversalTime();
        var start = period switch
        {
            Hour => new DateTimeOffset(utc.Year, utc.Month, utc.Day, utc.Hour, 0, 0, TimeSpan.Zero),
            Month => new DateTimeOffset(utc.Year, utc.Month, 1, 0, 0, 0, TimeSpan.Zero),
            _ => new DateTimeOffset(utc.Year, utc.Month, utc.Day, 0, 0, 0, TimeSpan.Zero),
        };
        return (start, period switch { Hour => start.AddHours(1), Month => start.AddMonths(1), _ => start.AddDays(1) });
    }
}

public sealed record LlmBudgetView : IManagedView
{
    public required string Id { get; init; }
    public required string DisplayName { get; init; }
    public required RuleSubject Subject { get; init; }
    public IReadOnlyList<string>? Models { get; init; }
    public required string Period { get; init; }
    public long? Tokens { get; init; }
    public decimal? Usd { get; init; }
    public int? RequestsPerMinute { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Port: budgets, managed with role <see cref="Role.Admin"/>.</summary>
public interface ILlmBudgets : IManagedList<NewLlmBudget, LlmBudgetView>
{
    /// <summary>What is spent and reserved now. Null when there is no such budget.</summary>
    /// <param name="subject">Whose, where each has one of their own; otherwise ignored.</param>
    Task<BudgetStanding?> Standing(Principal caller, string id, string? subject, CancellationToken cancellationToken);
}

/// <summary>A budget as a call meets it.</summary>
/// <param name="Key">Of <see cref="IBudgetGrain"/>.</param>
/// <param name="Name">For the refusal.</param>
public sealed record LlmBudgetScope(string Key, string Name, BudgetTerms Terms);
