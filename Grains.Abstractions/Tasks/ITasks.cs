using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Tasks;

/// <summary>
/// Port: tasks, prompts with parameters that run on demand or by a schedule, each run a conversation of its owner. For their owners alone.
/// What is not there, or not the caller's, is null or false.
/// </summary>
public interface ITasks
{
    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    Task<TaskView> Create(Principal caller, TaskSettings settings, CancellationToken cancellationToken);

    /// <summary>Oldest first.</summary>
    Task<Page<TaskView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);

    Task<TaskView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    Task<TaskView?> Update(Principal caller, string id, TaskSettings settings, CancellationToken cancellationToken);

    /// <summary>Its runs are forgotten; their conversations stay.</summary>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Runs it now.</summary>
    /// <param name="parameters">Values of its parameters; those that are absent have their default.</param>
    /// <exception cref="InvalidInputException">A parameter without a value, or of an unknown name.</exception>
    Task<TaskRunView?> Run(Principal caller, string id, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellationToken);

    /// <summary>Newest first.</summary>
    Task<Page<TaskRunView>?> Runs(Principal caller, string id, int limit, string? cursor, CancellationToken cancellationToken);
}

/// <param name="Prompt">Markdown; <c>{{name}}</c> stands for the value of a parameter.</param>
/// <param name="ProjectId">Project whose instructions, servers and approvals apply; null for the caller's own.</param>
/// <param name="Schedule">Cron with five fields, e.g. <c>0 9 * * 1-5</c>; null: on demand only. Every parameter needs a default then.</param>
/// <param name="TimeZone">IANA name, e.g. <c>Europe/Berlin</c>; null for UTC.</param>
/// <param name="Servers">Servers whose tools are offered; null for the project's.</param>
/// <param name="Enabled">Whether the schedule is followed.</param>
/// <param name="NotifyUrl">https address that is sent a JSON object when a run fails; null for none.</param>
public sealed record TaskSettings(
    string Name, string Prompt, string? ProjectId = null, IReadOnlyList<TaskParameter>? Parameters = null, string? Schedule = null, string? TimeZone = null, string? Model = null,
    IReadOnlyList<string>? Servers = null, bool Enabled = true, string? NotifyUrl = null);

public sealed record TaskParameter(string Name, string? Description = null, string? Default = null);

public sealed record TaskView
{
    public required string Id { get; init; }
    public required string OwnerId { get; init; }
    public required TaskSettings Settings { get; init; }

    /// <summary>When it runs by its schedule next; null when it does not.</summary>
    public DateTimeOffset? NextDue { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

[GenerateSerializer, Immutable, Alias("Obot.TaskRunView")]
public sealed record TaskRunView
{
    [Id(0)]
    public required string Id { get; init; }

    [Id(1)]
    public required string TaskId { get; init; }

    /// <summary>The time of the schedule; null for a run on demand.</summary>
    [Id(2)]
    public DateTimeOffset? DueAt { get; init; }

    [Id(3)]
    public required string ConversationId { get; init; }

    [Id(4)]
    public required TaskRunStatus Status { get; init; }

    [Id(5)]
    public string? Error { get; init; }

    [Id(6)]
    public required DateTimeOffset StartedAt { get; init; }

    [Id(7)]
    public DateTimeOffset? EndedAt { get; init; }
}

public enum TaskRunStatus
{
    Starting,
    Running,

    /// <summary>A tool call or a question in its conversation waits for the owner.</summary>
    Waiting,
    Succeeded,
    Failed,
    Stopped,
}
