using System.Text.RegularExpressions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Tasks;

namespace Obot.Grains.Tasks;

/// <summary>What a task may look like, and its prompt with values in it.</summary>
internal static partial class TaskRules
{
    private const int MostPrompt = 50_000;
    private const int MostParameters = 50;
    private const int MostValue = 10_000;

    public static void Check(TaskSettings settings)
    {
        if (settings.Name?.Trim() is not { Length: >= 1 and <= 100 } name || name.Any(char.IsControl))
        {
            throw new InvalidInputException("name", "Must be a text of 1 to 100 characters.");
        }

        if (string.IsNullOrWhiteSpace(settings.Prompt) || settings.Prompt.Length > MostPrompt)
        {
            throw new InvalidInputException("prompt", $"Must be a text of 1 to {MostPrompt} characters.");
        }

        var names = settings.Parameters?.Select(parameter => parameter.Name).ToList() ?? [];
        if (names.Count > MostParameters || names.Distinct(StringComparer.Ordinal).Count() != names.Count || names.Exists(parameter => parameter is null || !ParameterName().IsMatch(parameter)))
        {
            throw new InvalidInputException("parameters", $"At most {MostParameters}, each name once, of letters, digits and '_'.");
        }

        if (TaskPrompt.Names(settings.Prompt).FirstOrDefault(used => !names.Contains(used, StringComparer.Ordinal)) is { } unknown)
        {
            throw new InvalidInputException("prompt", $"'{{{{{unknown}}}}}' is no parameter of this task.");
        }

        CheckSchedule(settings);
        if (settings.NotifyUrl is { } url && !(Uri.TryCreate(url, UriKind.Absolute, out var address) && address is { Scheme: "https" or "http", UserInfo: "" } && url.Length <= 2000))
        {
            throw new InvalidInputException("notifyUrl", "Must be an https URL without user.");
        }
    }

    /// <exception cref="InvalidInputException">A value is missing, unknown or too long.</exception>
    public static string Fill(string prompt, IReadOnlyList<TaskParameter> parameters, IReadOnlyDictionary<string, string> values)
    {
        if (values.Keys.FirstOrDefault(name => !parameters.Any(parameter => parameter.Name == name)) is { } unknown)
        {
            throw new InvalidInputException($"parameters.{unknown}", "There is no parameter of that name.");
        }

        return TaskPrompt.Fill(prompt, name =>
        {
            var value = values.GetValueOrDefault(name) ?? parameters.First(parameter => parameter.Name == name).Default
                ?? throw new InvalidInputException($"parameters.{name}", "Required: it has no default.");
            return value.Length <= MostValue ? value : throw new InvalidInputException($"parameters.{name}", $"May have {MostValue} characters at most.");
        });
    }

    private static void CheckSchedule(TaskSettings settings)
    {
        if (settings.Schedule is { } schedule && !TaskSchedule.IsCron(schedule))
        {
            throw new InvalidInputException("schedule", "Must be cron with five fields: minute, hour, day, month, weekday; e.g. '0 9 * * 1-5'.");
        }

        if (settings.TimeZone is { } zone && !TaskSchedule.IsZone(zone))
        {
            throw new InvalidInputException("timeZone", $"'{zone}' is no time zone of this system. Use an IANA name, e.g. 'Europe/Berlin'.");
        }

        if (settings.Schedule is not null && settings.Parameters?.FirstOrDefault(parameter => parameter.Default is null) is { } open)
        {
            throw new InvalidInputException("parameters", $"'{open.Name}' needs a default, because nobody is there to give it a value when the schedule runs the task.");
        }
    }

    [GeneratedRegex("^[A-Za-z0-9_]{1,50}$", RegexOptions.None, 1000)]
    private static partial Regex ParameterName();
}
