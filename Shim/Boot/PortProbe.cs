using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Obot.Shim.Boot;

/// <summary>Accepts connections and says nothing: the silo finds out with it whether a network policy keeps anybody from a port.</summary>
internal static class PortProbe
{
    /// <returns>0 after SIGTERM, 2 when the port is no number.</returns>
    public static async Task<int> RunAsync(string port)
    {
        if (!ushort.TryParse(port, CultureInfo.InvariantCulture, out var number))
        {
            return 2;
        }

        using var lifetime = new LifetimePipe(new BootFile("/dev/null"));
        using var listener = new TcpListener(IPAddress.Any, number);
        listener.Start();
        try
        {
            while (true)
            {
                (await listener.AcceptTcpClientAsync(lifetime.Stopping)).Dispose();
            }
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
    }
}
