using Obot.Chat.Components;
using Obot.Grains.Abstractions.Tasks;

namespace Obot.Chat.Tasks;

/// <summary>Tasks in a person's words.</summary>
internal static class TaskWords
{
    public static string When(TaskView task) => task switch
    {
        { NextDue: { } due } => $"next {Moment.Text(due)}",
        { Settings: { Schedule: not null, Enabled: false } } => "schedule is off",
        { Settings.Schedule: not null } => "its schedule never comes again",
        _ => "on demand",
    };

    public static string Of(TaskRunStatus status) => status switch
    {
        TaskRunStatus.Starting => "starting",
        TaskRunStatus.Running => "running",
        TaskRunStatus.Waiting => "waits for you",
        TaskRunStatus.Succeeded => "done",
        TaskRunStatus.Failed => "failed",
        _ => "stopped",
    };
}
