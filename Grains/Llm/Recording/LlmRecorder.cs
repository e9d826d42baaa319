using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Audit;
using Obot.Grains.Records;

namespace Obot.Grains.Llm.Recording;

/// <inheritdoc cref="ILlmRecorder"/>
internal sealed partial class LlmRecorder(LlmIntake intake, IOptions<AuditOptions> options, TimeProvider time, ILogger<LlmRecorder> logger)
    : RecordJournal(options.Value, time, logger), ILlmRecorder
{
    private long lost;

    protected override JournalPlace Place => intake.Place;

    public void Record(LlmRecord record, ReadOnlySpan<byte> request, ReadOnlySpan<byte> response)
    {
        if (!Append(LlmFrame.Of(record), request, response) && Interlocked.Increment(ref lost) is var count && (count == 1 || count % 1000 == 0))
        {
            LogLost(count);
        }
    }

    [LoggerMessage(LogLevel.Error, "{Count} records of model calls were lost: the database does not take them and the file is full, or cannot be written")]
    private partial void LogLost(long count);
}
