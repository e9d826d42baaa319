using Obot.Grains.Records;

namespace Obot.Grains.Audit;

/// <summary>Journals of MCP calls: those of guards, and that of each silo.</summary>
internal sealed class AuditJournals(AuditFolders folders, AuditIntake intake) : IJournalPlaces
{
    public IEnumerable<JournalPlace> All() => folders.All().Select(one => new JournalPlace(one.Folder, () => folders.KeyOf(one.Instance), (frames, cancellationToken) => intake.WriteAsync(one.Instance?.ServerId, frames, cancellationToken)));
}
