using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Docker.DotNet;
using Docker.DotNet.Models;

namespace Obot.Grains.Hosting.Docker;

/// <summary>What containers of an Engine print.</summary>
internal static class ContainerOutput
{
    /// <summary>Lines of standard output and standard error in the order in which the Engine got them; with <paramref name="follow"/> until the container ends.</summary>
    public static async IAsyncEnumerable<OutputLine> ReadAsync(
        IDockerClient client, string container, int tail, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stream = await client.Containers.GetContainerLogsAsync(
            container,
            new ContainerLogsParameters { ShowStdout = true, ShowStderr = true, Timestamps = true, Follow = follow, Tail = tail.ToString(CultureInfo.InvariantCulture) },
            cancellationToken);
        var buffer = new byte[16 * 1024];
        var open = new Dictionary<MultiplexedStream.TargetStream, List<byte>>();
        while (await stream.ReadOutputAsync(buffer, 0, buffer.Length, cancellationToken) is { EOF: false } read)
        {
            if (!open.TryGetValue(read.Target, out var line))
            {
                open[read.Target] = line = [];
            }

            for (var i = 0; i < read.Count; i++)
            {
                if (buffer[i] != (byte)'\n')
                {
                    line.Add(buffer[i]);
                    continue;
                }

                yield return OutputLine.Parse(Encoding.UTF8.GetString([.. line]));
                line.Clear();
            }
        }

        foreach (var rest in open.Values.Where(line => line.Count > 0))
        {
            yield return OutputLine.Parse(Encoding.UTF8.GetString([.. rest]));
        }
    }

    /// <summary>The last lines of a container that may be gone any moment.</summary>
    public static async Task<IReadOnlyList<OutputLine>> TailAsync(IDockerClient client, string container, int lines, CancellationToken cancellationToken)
    {
        var tail = new List<OutputLine>();
        try
        {
            await foreach (var line in ReadAsync(client, container, lines, follow: false, cancellationToken))
            {
                tail.Add(line);
            }
        }
        catch (Exception e) when (e is DockerApiException or IOException or HttpRequestException)
        {
            // what was read is what there is
        }

        return tail;
    }
}
