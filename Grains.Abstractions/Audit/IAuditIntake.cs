using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Abstractions.Audit;

/// <summary>Port: takes records of calls from guards. Bounded: while the database is slow, callers wait.</summary>
public interface IAuditIntake
{
    /// <summary>Returns when the records are committed. They may come again; each is kept once.</summary>
    /// <param name="instance">Whose guard sent them: the records say nothing of the server themselves.</param>
    /// <param name="frames">As they lay in the guard's journal. Read before the first await.</param>
    /// <exception cref="AuditUnavailableException">They are not; send them again later.</exception>
    Task Write(McpInstanceId instance, ReadOnlyMemory<byte> frames, CancellationToken cancellationToken);
}

/// <summary>Records cannot be stored just now.</summary>
public sealed class AuditUnavailableException(string message, Exception inner) : Exception(message, inner);
