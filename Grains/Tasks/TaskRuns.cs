using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Tasks;
using Obot.Grains.Conversations;
using Obot.Grains.Outbound;

namespace Obot.Grains.Tasks;

/// <summary>
/// From a run's row to its conversation and back. A row is written before anything happens, and its conversation's id stands in it: whoever goes
/// on after a crash makes the same conversation and says its prompt once.
/// </summary>
internal sealed partial class TaskRuns(TaskText texts, SealedText titles, IGrainFactory grains, OutboundClient outbound, TimeProvider time, ILogger<TaskRuns> logger)
{
    private static readonly TimeSpan NotifyPatience = TimeSpan.FromSeconds(10);

    public TaskRunRow New(TaskRow task, DateTimeOffset? due, string prompt)
    {
        var id = RandomId.New("tr1");
        return new()
        {
            Id = id,
            TaskId = task.Id,
            DueAt = due,
            ConversationId = RandomId.New("cv1"),
            Prompt = texts.SealRun(id, prompt),
            Status = nameof(TaskRunStatus.Starting),
            StartedAt = time.Now(),
        };
    }

    public async Task BeginAsync(ObotDb db, TaskRow task, TaskRunRow run)
    {
        if (!await db.Conversations.AnyAsync(row => row.Id == run.ConversationId))
        {
            db.Conversations.Add(new()
            {
                Id = run.ConversationId,
                ProjectId = task.ProjectId,
                OwnerId = task.OwnerId,
                Title = titles.SealTitle(run.ConversationId, task.Name),
                Model = task.Model,
                Servers = task.Servers,
                RunStatus = nameof(RunStatus.Idle),
                Epoch = 0,
                CreatedAt = run.StartedAt,
                UpdatedAt = run.StartedAt,
            });
            await db.SaveChangesAsync();
        }

        if (!await db.ConversationMessages.AnyAsync(message => message.ConversationId == run.ConversationId))
        {
            await grains.GetGrain<IConversationGrain>(run.ConversationId).Send(new(texts.OpenRun(run.Id, run.Prompt!)), task.OwnerId);
        }

        (run.Status, run.Prompt) = (nameof(TaskRunStatus.Running), null);
        await db.SaveChangesAsync();
    }

    /// <summary>Where a run stands by its conversation.</summary>
    public static async Task<(TaskRunStatus Status, string? Error)> StandAsync(ObotDb db, TaskRunRow run, CancellationToken cancellationToken)
    {
        var status = Enum.Parse<TaskRunStatus>(run.Status);
        if (status is not TaskRunStatus.Running)
        {
            return (status, run.Error);
        }

        if (await db.Conversations.AsNoTracking().SingleOrDefaultAsync(row => row.Id == run.ConversationId, cancellationToken) is not { } conversation)
        {
            return (TaskRunStatus.Stopped, "Its conversation was removed.");
        }

        if (conversation.RunMessageId is not null)
        {
            return (conversation.RunStatus == nameof(RunStatus.Waiting) ? TaskRunStatus.Waiting : TaskRunStatus.Running, null);
        }

        // the first answer is the task's; what is said afterwards is somebody's own
        var answer = await db.ConversationMessages.AsNoTracking().Where(message => message.ConversationId == run.ConversationId && message.Role == nameof(MessageRole.Assistant))
            .OrderBy(message => message.Number).FirstOrDefaultAsync(cancellationToken);
        return answer?.Status switch
        {
            nameof(MessageStatus.Complete) => (TaskRunStatus.Succeeded, null),
            nameof(MessageStatus.Failed) => (TaskRunStatus.Failed, answer.Error),
            _ => (TaskRunStatus.Stopped, null),
        };
    }

    /// <summary>Writes down what ended. True while it has not.</summary>
    public async Task<bool> FollowAsync(ObotDb db, TaskRow task, TaskRunRow run)
    {
        var (status, error) = await StandAsync(db, run, CancellationToken.None);
        if (status is TaskRunStatus.Running or TaskRunStatus.Waiting or TaskRunStatus.Starting)
        {
            return true;
        }

        (run.Status, run.Error, run.EndedAt) = (status.ToString(), error, time.Now());
        await db.SaveChangesAsync();
        if (status == TaskRunStatus.Failed && task.NotifyUrl is { } url)
        {
            await NotifyAsync(url, task, run);
        }

        return false;
    }

    private async Task NotifyAsync(string url, TaskRow task, TaskRunRow run)
    {
        using var patience = new CancellationTokenSource(NotifyPatience, time);
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = JsonContent.Create(new { taskID = task.Id, task.Name, runID = run.Id, threadID = run.ConversationId, run.Error, run.DueAt, run.StartedAt }),
        };
        try
        {
            await outbound.SendAsync(request, 64 * 1024, patience.Token);
        }
        catch (Exception e)
        {
            LogUntold(e, task.Id, run.Id);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Run {Run} of task {Task} failed, and its notification did not arrive")]
    private partial void LogUntold(Exception exception, string task, string run);
}
