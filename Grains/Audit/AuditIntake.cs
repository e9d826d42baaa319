using Microsoft.Extensions.Logging;
using Npgsql;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Records;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Audit;

/// <inheritdoc cref="IAuditIntake"/>
internal sealed partial class AuditIntake(RecordWriter<AuditRow> writer, IEncryption encryption, ILogger<AuditIntake> logger) : IAuditIntake
{
    public Task Write(McpInstanceId instance, ReadOnlyMemory<byte> frames, CancellationToken cancellationToken) => WriteAsync(instance.ServerId, frames, cancellationToken);

    /// <param name="serverId">Null: the records say it themselves.</param>
    public async Task WriteAsync(string? serverId, ReadOnlyMemory<byte> frames, CancellationToken cancellationToken)
    {
        try
        {
            var records = Frames.Read(frames, out var damaged);
            if (damaged > 0)
            {
                Damaged(damaged, serverId ?? "this silo");
            }

            await writer.WriteAsync(records.ConvertAll(record => AuditRow.Of(record, serverId, encryption)), cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or EncryptionException or TimeoutException or IOException or System.Threading.Channels.ChannelClosedException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new AuditUnavailableException($"Records of calls cannot be stored now: {e.Message}", e);
        }
    }

    [LoggerMessage(LogLevel.Error, "{Count} audit records of {Source} were damaged on their way and are lost")]
    private partial void Damaged(int count, string source);
}
