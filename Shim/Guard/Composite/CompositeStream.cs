using System.Text.Json.Nodes;
using System.Threading.Channels;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Composite;

/// <summary>
/// A stream that a caller holds open (GET in the legacy era, <c>subscriptions/listen</c> in the modern one): what the components say on their
/// own, and that lists changed. It wakes nobody: components that sleep are listened to when something else woke them.
/// </summary>
internal sealed class CompositeStream(Seat seat, JsonNode? subscription)
{
    private const int Backlog = 256;
    private const string SubscriptionId = "io.modelcontextprotocol/subscriptionId";
    private static readonly TimeSpan ListenAgain = TimeSpan.FromSeconds(5);
    private static readonly string[] Changes = [McpMethods.ToolsChanged, "notifications/prompts/list_changed", "notifications/resources/list_changed"];

    private readonly Channel<JsonObject> messages = Channel.CreateBounded<JsonObject>(new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest });

    public void ListsChanged()
    {
        foreach (var method in Changes)
        {
            Say(Messages.Notification(method));
        }
    }

    /// <summary>Writes until the caller goes away.</summary>
    public async Task RunAsync(Stream output, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        seat.Open(this);
        var listening = seat.Links.Select(link => ListenAsync(link, ended.Token)).ToList();
        try
        {
            await output.WriteAsync(": open\n\n"u8.ToArray(), cancellationToken);
            if (subscription is not null)
            {
                Say(Messages.Notification("notifications/subscriptions/acknowledged", new JsonObject
                {
                    ["notifications"] = new JsonObject { ["toolsListChanged"] = true, ["promptsListChanged"] = true, ["resourcesListChanged"] = true },
                }));
            }

            await foreach (var message in messages.Reader.ReadAllAsync(cancellationToken))
            {
                await output.WriteAsync(Messages.Event(message), cancellationToken);
                await output.FlushAsync(cancellationToken);
            }
        }
        finally
        {
            seat.Close(this);
            await ended.CancelAsync();
            await Task.WhenAll(listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Say(JsonObject message)
    {
        if (subscription is not null)
        {
            if (message["params"] is not JsonObject parameters)
            {
                message["params"] = parameters = [];
            }

            if (parameters["_meta"] is not JsonObject meta)
            {
                parameters["_meta"] = meta = [];
            }

            meta[SubscriptionId] = subscription.DeepClone();
        }

        messages.Writer.TryWrite(message);
    }

    private async Task ListenAsync(ComponentLink link, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                using var response = await link.ListenAsync(seat.Assertion, cancellationToken);
                if (response is not null)
                {
                    await foreach (var message in Messages.ReadAsync(response, cancellationToken))
                    {
                        Heard(link, message);
                    }
                }
            }
            catch (Exception e) when (e is ComponentUnavailableException or HttpRequestException or IOException)
            {
                // it sleeps, or went away: asked again in a moment
            }

            await Task.Delay(ListenAgain, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Heard(ComponentLink link, JsonObject message)
    {
        var method = message.Text("method");
        if (method is null or "notifications/subscriptions/acknowledged")
        {
            return;
        }

        if (Changes.Contains(method, StringComparer.Ordinal))
        {
            // what changed is looked at first: whether the caller sees anything of it is another question
            link.Outdate();
            _ = link.LoadAsync(seat.Assertion).ContinueWith(static loaded => _ = loaded.Exception, TaskScheduler.Default);
            return;
        }

        if (subscription is null)
        {
            Say(CompositeIds.Outward(seat, link, message));
        }
    }
}
