using Obot.Shim.Bridge.Calls;

namespace Obot.Shim.Bridge.Transport;

/// <summary>Sends to the principal's child; when that one ended in the same moment, to its successor.</summary>
internal static class SharedCalls
{
    public static async Task<(SharedConnection Connection, PendingCall Call)> CallAsync(
        ChildPool pool, string principal, bool modern, IncomingMessage message, bool acceptsStream, CancellationToken cancellationToken)
    {
        PendingCall call = null!;
        var connection = await SendAsync(
            pool, principal, modern, async c => call = await c.CallAsync(message, acceptsStream, cancellationToken), cancellationToken);
        return (connection, call);
    }

    public static async Task<SharedConnection> SendAsync(
        ChildPool pool, string principal, bool modern, Func<SharedConnection, ValueTask> send, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var connection = await pool.GetSharedAsync(principal, modern, cancellationToken);
            try
            {
                await send(connection);
                return connection;
            }
            catch (ConnectionGoneException) when (attempt < 2)
            {
                // it was not sent
            }
        }
    }
}
