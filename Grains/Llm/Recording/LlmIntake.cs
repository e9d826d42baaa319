using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Audit;
using Obot.Grains.Records;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Llm.Recording;

/// <summary>From journals of this host's silos, living or dead, into the tables.</summary>
internal sealed partial class LlmIntake(AuditFolders folders, RecordWriter<LlmRow> writer, IEncryption encryption, ILogger<LlmIntake> logger) : IJournalPlaces
{
    public JournalPlace Place => field ??= new(folders.OfModels, () => folders.KeyOfModels, WriteAsync);

    public IEnumerable<JournalPlace> All() => [Place];

    public async Task WriteAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken)
    {
        try
        {
            var records = Frames.Read(frames, out var damaged);
            if (damaged > 0)
            {
                Damaged(damaged);
            }

            await writer.WriteAsync(records.ConvertAll(record => LlmRow.Of(record, encryption)), cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AuditUnavailableException($"Records of model calls cannot be stored now: {e.Message}", e);
        }
    }

    [LoggerMessage(LogLevel.Error, "{Count} records of model calls were damaged on their way and are lost")]
    private partial void Damaged(int count);
}
