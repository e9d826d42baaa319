namespace Obot.Grains.Records;

/// <summary>A folder of journals on this host, and where their records go.</summary>
/// <param name="Key">Of the journals in it; asked for when there is one to be read.</param>
/// <param name="WriteAsync">Brings whole frames into the database; throws <see cref="Abstractions.Audit.AuditUnavailableException"/> when that has to wait.</param>
internal sealed record JournalPlace(string Folder, Func<byte[]> Key, Func<ReadOnlyMemory<byte>, CancellationToken, Task> WriteAsync);

/// <summary>Whoever has journals that outlive their writers.</summary>
internal interface IJournalPlaces
{
    IEnumerable<JournalPlace> All();
}
