using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Records;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Audit;

/// <summary>What this silo itself has to say of MCP calls: refusals, and events of the platform.</summary>
internal sealed class SiloJournal(AuditFolders folders, AuditIntake intake, IOptions<AuditOptions> options, TimeProvider time, ILogger<SiloJournal> logger)
    : RecordJournal(options.Value, time, logger), IAuditEvents
{
    private static readonly TimeSpan SummaryEvery = TimeSpan.FromSeconds(10);

    private readonly Lock anonymous = new();
    private double tokens = options.Value.AnonymousRefusalsPerSecond;
    private long refilledAt = time.GetTimestamp();
    private long summedAt = time.GetTimestamp();
    private long unrecorded;

    protected override JournalPlace Place => field ??= new(folders.OfSilo, () => folders.KeyOf(null), (frames, cancellationToken) => intake.WriteAsync(null, frames, cancellationToken));

    public bool Record(AuditEvent happened)
    {
        if (happened.UserId is null && !MayRecordAnonymous())
        {
            Interlocked.Increment(ref unrecorded);
            return true;
        }

        if (Append(happened))
        {
            return true;
        }

        Interlocked.Increment(ref unrecorded);
        return false;
    }

    protected override void AfterRound()
    {
        if (Time.GetElapsedTime(summedAt) >= SummaryEvery)
        {
            summedAt = Time.GetTimestamp();
            SumUp();
        }
    }

    private bool Append(AuditEvent happened)
    {
        var id = happened.Id ?? CallId.New(Time.GetUtcNow());
        return Append(new AuditRecord
        {
            Id = id,
            At = CallId.TimeOf(id) ?? Time.Now(),
            Duration = happened.Duration,
            UserId = happened.UserId,
            CredentialId = happened.CredentialId,
            ClientName = happened.ClientName,
            ClientVersion = happened.ClientVersion,
            ServerId = happened.ServerId,
            Method = happened.Method,
            Identifier = happened.Identifier,
            Status = happened.Status,
            Error = happened.Error,
            SessionId = AuditSession.Of(happened.SessionId),
            TraceId = happened.TraceId,
            ClientIp = happened.ClientIp,
            RequestBytes = happened.RequestBytes,
        });
    }

    /// <summary>Anybody may be refused as often as they like: a flood of that must not fill the disk.</summary>
    private bool MayRecordAnonymous()
    {
        lock (anonymous)
        {
            var now = Time.GetTimestamp();
            var rate = options.Value.AnonymousRefusalsPerSecond;
            tokens = Math.Min(rate, tokens + (Time.GetElapsedTime(refilledAt, now).TotalSeconds * rate));
            refilledAt = now;
            if (tokens < 1)
            {
                return false;
            }

            tokens--;
            return true;
        }
    }

    private void SumUp()
    {
        if (Interlocked.Exchange(ref unrecorded, 0) is > 0 and var count)
        {
            Append(new() { Method = AuditMethods.Refusals, Status = 401, Error = $"{count} more refusals were not recorded one by one (Obot:Audit:AnonymousRefusalsPerSecond)" });
        }
    }
}
