using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Hosting;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>Takes the records that guards send, and tells them what is committed. What else a channel says is not held up by it.</summary>
internal sealed partial class RecordIntake(IAuditIntake intake, ILogger<RecordIntake> logger)
{
    public RecordSession Open(GuardChannel channel, McpInstanceId instance) => new(channel, instance, intake, NotTaken, Lost);

    private void Lost(McpInstanceId instance, long count)
    {
        GatewayInstruments.RecordsDropped(count);
        Dropped(count, instance);
    }

    [LoggerMessage(LogLevel.Error, "{Count} records of calls to {Instance} could not be kept: the write-ahead file is at its bound (Obot:Audit:MaxBacklogBytes), or the disk is full")]
    private partial void Dropped(long count, McpInstanceId instance);

    [LoggerMessage(LogLevel.Warning, "Records of {Instance} wait in its guard: {Reason}")]
    private partial void NotTaken(McpInstanceId instance, string reason);
}

/// <summary>One guard's records on one connection.</summary>
internal sealed class RecordSession(GuardChannel channel, McpInstanceId instance, IAuditIntake intake, Action<McpInstanceId, string> notTaken, Action<McpInstanceId, long> lost)
{
    private Task writing = Task.CompletedTask;
    private long? known;

    /// <summary>What the guard says of itself. It counts from its start, so the first report of a connection is where counting begins.</summary>
    public void Heard(GuardActivity activity)
    {
        if (activity.AuditDropped > known)
        {
            lost(instance, activity.AuditDropped - known.Value);
        }

        known = activity.AuditDropped;
    }

    /// <summary>Returns at once, unless the guard sends a batch before the last one was answered, which ours do not.</summary>
    public async Task TakeAsync(ControlMessage message, CancellationToken ended)
    {
        await writing.WaitAsync(ended);
        writing = WriteAsync(message.Id, message.Records ?? default, ended);
    }

    private async Task WriteAsync(long id, ReadOnlyMemory<byte> records, CancellationToken ended)
    {
        try
        {
            var isCommitted = true;
            try
            {
                await intake.Write(instance, records, ended);
            }
            catch (AuditUnavailableException e)
            {
                notTaken(instance, e.Message);
                isCommitted = false;
            }

            await channel.SendAsync(new() { Kind = ControlKinds.RecordsTaken, Id = id, Accepted = isCommitted }, ended);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // the guard dials again and sends what it was told nothing of
        }
    }
}
