using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Guard.Composite;

/// <summary>
/// One caller's place at a composite: a legacy session, or a principal in the modern era. It has its own conversation with every
/// component, and its own view of what they list.
/// </summary>
internal sealed class Seat
{
    private readonly TimeProvider time;
    private readonly List<CompositeStream> streams = [];
    private long used;

    public Seat(CompositeUpstream composite, ComponentGateway gateway, JsonObject clientCapabilities, TimeProvider time)
    {
        this.time = time;
        Links = [.. composite.Components.Select(component => new ComponentLink(component, gateway, clientCapabilities, composite.Name, time) { CatalogChanged = Announce })];
        Touch();
    }

    public IReadOnlyList<ComponentLink> Links { get; }

    /// <summary>Calls in hand: the raw id of the caller → who was asked, and under which id.</summary>
    public ConcurrentDictionary<string, (ComponentLink Link, long Id)> Calls { get; } = new(StringComparer.Ordinal);

    /// <summary>The newest assertion of the caller: what goes on in the background goes on in its name.</summary>
    public string Assertion { get; private set; } = "";

    public void Touch(string? assertion = null)
    {
        Assertion = assertion ?? Assertion;
        Volatile.Write(ref used, time.GetTimestamp());
    }

    public bool IsIdleFor(TimeSpan limit)
    {
        lock (streams)
        {
            return streams.Count == 0 && Calls.IsEmpty && time.GetElapsedTime(Volatile.Read(ref used)) > limit;
        }
    }

    /// <summary>Asks all components for their lists, all at once; waits for those that never answered, and for none of them longer than that.</summary>
    public async Task WarmAsync(string assertion, TimeSpan patience, CancellationToken cancellationToken)
    {
        var unknown = Links.Select(link => (Link: link, Loading: link.LoadAsync(assertion))).Where(one => one.Link.Catalog is null).Select(one => one.Loading).ToList();
        if (unknown.Count > 0 && patience > TimeSpan.Zero)
        {
            await ((Task)Task.WhenAll(unknown)).WaitAsync(patience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public void Open(CompositeStream stream)
    {
        lock (streams)
        {
            streams.Add(stream);
        }
    }

    public void Close(CompositeStream stream)
    {
        lock (streams)
        {
            streams.Remove(stream);
        }

        Touch();
    }

    private void Announce()
    {
        lock (streams)
        {
            foreach (var stream in streams)
            {
                stream.ListsChanged();
            }
        }
    }
}
