using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Exports;

/// <summary>
/// Port: exports of the audit log, once or by a schedule, and where they go. For administrators and auditors; bodies and headers of calls
/// only for auditors, whatever the role. Others get <see cref="NotAllowedException"/>.
/// </summary>
public interface IExports
{
    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    Task<ExportView> Create(Principal caller, NewExport request, CancellationToken cancellationToken);

    /// <summary>Newest first.</summary>
    Task<Page<ExportView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);

    Task<ExportView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Goes on behind the last object that was written. Null when there is none.</summary>
    /// <exception cref="ConflictException">It neither failed nor was cancelled.</exception>
    Task<ExportView?> Retry(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Stops it; what is written stays.</summary>
    Task<ExportView?> Cancel(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Stops and forgets it; what is written stays.</summary>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    Task<ExportScheduleView> CreateSchedule(Principal caller, NewExportSchedule request, CancellationToken cancellationToken);

    Task<IReadOnlyList<ExportScheduleView>> Schedules(Principal caller, CancellationToken cancellationToken);

    Task<ExportScheduleView?> UpdateSchedule(Principal caller, string id, NewExportSchedule request, CancellationToken cancellationToken);

    Task<bool> DeleteSchedule(Principal caller, string id, CancellationToken cancellationToken);
}

/// <summary>Port: where exports go. Administrators only.</summary>
public interface IStorages
{
    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    Task<StorageView> Create(Principal caller, NewStorage request, CancellationToken cancellationToken);

    /// <summary>Oldest first; without secrets also for auditors.</summary>
    Task<IReadOnlyList<StorageView>> List(Principal caller, CancellationToken cancellationToken);

    Task<StorageView?> Update(Principal caller, string id, NewStorage request, CancellationToken cancellationToken);

    /// <exception cref="ConflictException">An unfinished export or a schedule needs it.</exception>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Writes, reads and removes a small object. Null when there is none.</summary>
    Task<StorageTest?> Test(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>The same with settings that are not kept.</summary>
    Task<StorageTest> Test(Principal caller, NewStorage request, CancellationToken cancellationToken);
}
