using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Docker.DotNet;
using Docker.DotNet.Models;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Hosting.Docker;

/// <summary>What containers print. A server in its own image speaks for itself; a bridge reports what its server says as events.</summary>
internal static class ContainerOutput
{
    private const int MaxLine = 4096;

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

                yield return Parse(line);
                line.Clear();
            }
        }

        foreach (var rest in open.Values.Where(line => line.Count > 0))
        {
            yield return Parse(rest);
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

    /// <summary>"2026-01-01T00:00:00.123456789Z text", where text may be an event of a shim.</summary>
    private static OutputLine Parse(List<byte> line)
    {
        var text = Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
        var blank = text.IndexOf(' ', StringComparison.Ordinal);
        var at = DateTimeOffset.MinValue;
        if (blank > 0 && DateTimeOffset.TryParse(text.AsSpan(0, blank), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at))
        {
            text = text[(blank + 1)..];
        }

        var said = text.StartsWith("{\"event\":", StringComparison.Ordinal) ? Event(text) : null;
        return said is null
            ? new(at, text.Length > MaxLine ? text[..MaxLine] : text, null)
            : new(at, said.Event switch { ShimEvent.Log => said.Line ?? "", ShimEvent.Failed => said.Reason, _ => null }, said);
    }

    private static ShimEvent? Event(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, ShimJson.Default.ShimEvent);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <param name="Text">For people; null for an event that says nothing to them.</param>
/// <param name="Event">What a shim reported, if that is what it was.</param>
internal sealed record OutputLine(DateTimeOffset At, string? Text, ShimEvent? Event);
