using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>
/// Checks the <c>Mcp-Param-*</c> headers of calls to one modern child. The child speaks stdio and never sees a header, so this is the
/// bridge's to do. It lists the tools itself when the first call comes, and knows the annotated ones until the child says that its
/// tools changed. A modern server says so to subscribers only, hence the age; nobody is refused on the word of an old list.
/// </summary>
internal sealed class ToolHeaders(SharedConnection connection, TimeProvider time)
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MaxAgeToRefuse = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ListTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock gate = new();
    private Listing? current;

    /// <summary>The child's tools have changed.</summary>
    public void Forget()
    {
        lock (gate)
        {
            current = null;
        }
    }

    /// <summary>Why the headers of a <c>tools/call</c> do not match its arguments, for a person; null when they do.</summary>
    /// <exception cref="CallRefusedException">The tools could not be asked for; <see cref="ConnectionGoneException"/> likewise.</exception>
    public async ValueTask<string?> MismatchAsync(IncomingMessage message, Func<string, string?> header, CancellationToken cancellationToken) =>
        await CompareAsync(message, header, MaxAge, cancellationToken) is null
            ? null
            : await CompareAsync(message, header, MaxAgeToRefuse, cancellationToken);

    private async ValueTask<string?> CompareAsync(IncomingMessage message, Func<string, string?> header, TimeSpan maxAge, CancellationToken cancellationToken)
    {
        var tools = await Current(maxAge).WaitAsync(cancellationToken);
        return tools.Count > 0 && JsonText.Read(message.Body, message.Envelope.Name) is { } name && tools.TryGetValue(name, out var parameters)
            ? ParamHeaders.Mismatch(parameters, message.Memory(message.Envelope.Arguments), header)
            : null;
    }

    // concurrent calls share one listing
    private Task<IReadOnlyDictionary<string, IReadOnlyList<MirroredParameter>>> Current(TimeSpan maxAge)
    {
        lock (gate)
        {
            if (current is null || (current.Tools.IsCompleted && (current.Tools.IsFaulted || time.GetElapsedTime(current.Asked) > maxAge)))
            {
                current = new Listing(time.GetTimestamp(), Task.Run(ListAsync));
            }

            return current.Tools;
        }
    }

    private async Task<IReadOnlyDictionary<string, IReadOnlyList<MirroredParameter>>> ListAsync()
    {
        using var timeout = new CancellationTokenSource(ListTimeout, time);
        try
        {
            return await ToolListing.ReadAsync(connection, timeout.Token);
        }
        catch (OperationCanceledException)
        {
            // no client can know the tools of such a server either
            return new Dictionary<string, IReadOnlyList<MirroredParameter>>(StringComparer.Ordinal);
        }
    }

    private sealed record Listing(long Asked, Task<IReadOnlyDictionary<string, IReadOnlyList<MirroredParameter>>> Tools);
}
