using System.Net;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Composite;

/// <summary>
/// One seat's conversation with one component. It finds out which era the component speaks, keeps a session where it has some, and keeps
/// what the component lists.
/// </summary>
internal sealed class ComponentLink(CompositeComponent component, ComponentGateway gateway, JsonObject clientCapabilities, string clientName, TimeProvider time)
{
    private const int MaxPages = 50;
    private const int SessionNotFound = -32001;
    private static readonly TimeSpan CatalogLifetime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FaultLifetime = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private Task<Greeting>? greeting;
    private Greeting? greeted;
    private Task<ComponentCatalog>? loading;
    private long loadedAt;
    private long faultAt;
    private long lastId;

    public CompositeComponent Component => component;

    /// <summary>The last that it listed; null before it ever did.</summary>
    public ComponentCatalog? Catalog { get; private set; }

    /// <summary>Why it cannot be asked just now; null when it can, or was not asked yet.</summary>
    public string? Fault { get; private set; }

    /// <summary>Called when the lists turned out different.</summary>
    public Action? CatalogChanged { get; set; }

    public bool IsModern => greeted?.IsModern is true;

    public long NextId() => Interlocked.Increment(ref lastId);

    /// <summary>The lists, read again in the background where they are old. Null while they were never there.</summary>
    public Task<ComponentCatalog> LoadAsync(string assertion)
    {
        lock (gate)
        {
            var isFresh = Catalog is not null && Fault is null && time.GetElapsedTime(loadedAt) < CatalogLifetime;
            var isHopeless = Fault is not null && time.GetElapsedTime(faultAt) < FaultLifetime;
            if (loading is { IsCompleted: false } || (loading is not null && (isFresh || isHopeless)))
            {
                return loading;
            }

            return loading = Task.Run(() => ReadCatalogAsync(assertion));
        }
    }

    /// <summary>The component said that something changed.</summary>
    public void Outdate()
    {
        lock (gate)
        {
            loadedAt = 0;
            loading = loading is { IsCompleted: false } ? loading : null;
        }
    }

    /// <summary>Sends a request of the caller and returns the component's answer as it comes.</summary>
    /// <param name="parameters">Not the caller's own: it is changed.</param>
    /// <param name="id">Ours; see <see cref="NextId"/>.</param>
    /// <exception cref="ComponentUnavailableException">It cannot be asked.</exception>
    public async Task<HttpResponseMessage> CallAsync(string assertion, long id, string method, JsonObject? parameters, IReadOnlyList<(string Name, string Value)> headers, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var to = await GreetAsync(assertion, cancellationToken);
            var message = Messages.Request(id, method, Fit(to, parameters?.DeepClone() as JsonObject));
            var response = await SendAsync(to, assertion, message, headers, cancellationToken);
            if (response.StatusCode is HttpStatusCode.NotFound && to.Session is not null && attempt == 0 && await IsSessionLostAsync(response, cancellationToken))
            {
                response.Dispose();
                Forget(to);
                continue;
            }

            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout or HttpStatusCode.TooManyRequests)
            {
                using (response)
                {
                    throw new ComponentUnavailableException(await ReasonAsync(response, cancellationToken));
                }
            }

            return response;
        }
    }

    /// <summary>A notification, or the answer to a question of the component's. Lost when there is no session to which it belongs.</summary>
    public async Task TellAsync(string assertion, JsonObject message, CancellationToken cancellationToken)
    {
        if (greeted is { } to)
        {
            using var response = await SendAsync(to, assertion, message, [], cancellationToken);
        }
    }

    /// <summary>The stream of what the component says on its own; null where it has none.</summary>
    public async Task<HttpResponseMessage?> ListenAsync(string assertion, CancellationToken cancellationToken)
    {
        if (greeted is not { } to)
        {
            return null;
        }

        HttpResponseMessage response;
        if (to.IsModern)
        {
            var wanted = new JsonObject { ["toolsListChanged"] = true, ["promptsListChanged"] = true, ["resourcesListChanged"] = true };
            var parameters = Fit(to, new JsonObject { ["notifications"] = wanted });
            response = await SendAsync(to, assertion, Messages.Request(NextId(), McpMethods.Listen, parameters), [], cancellationToken);
        }
        else
        {
            response = await SendAsync(to, assertion, message: null, [], cancellationToken);
        }

        if (response.IsSuccessStatusCode && response.Content.Headers.ContentType?.MediaType is "text/event-stream")
        {
            return response;
        }

        response.Dispose();
        return null;
    }

    private JsonObject? Fit(Greeting to, JsonObject? parameters) =>
        to.IsModern ? Messages.WithModernMeta(parameters, clientName) : Messages.WithoutModernMeta(parameters);

    private Task<HttpResponseMessage> SendAsync(Greeting to, string assertion, JsonObject? message, IReadOnlyList<(string Name, string Value)> more, CancellationToken cancellationToken) =>
        gateway.SendAsync(component, assertion, message, headers =>
        {
            headers.TryAddWithoutValidation(McpHeaders.ProtocolVersion, to.Version);
            if (to.Session is { } session)
            {
                headers.TryAddWithoutValidation(McpHeaders.SessionId, session);
            }

            if (to.IsModern && message.Text("method") is { } method)
            {
                headers.TryAddWithoutValidation(McpHeaders.Method, method);
                var parameters = message!["params"] as JsonObject;
                if ((parameters.Text("name") ?? parameters.Text("uri") ?? parameters.Text("taskId")) is { } name)
                {
                    headers.TryAddWithoutValidation(McpHeaders.Name, HeaderText.Encode(name));
                }

                foreach (var (key, value) in more)
                {
                    headers.TryAddWithoutValidation(key, value);
                }
            }
        }, cancellationToken);

    /// <summary>Once for all who ask at the same time; none of them may cancel it for the others.</summary>
    private async Task<Greeting> GreetAsync(string assertion, CancellationToken cancellationToken)
    {
        if (greeted is { } known)
        {
            return known;
        }

        Task<Greeting> pending;
        lock (gate)
        {
            pending = greeting is { IsCompleted: false } ? greeting : greeting = BeginAsync(assertion);
        }

        return await pending.WaitAsync(cancellationToken);
    }

    /// <summary>Modern first: a server that speaks both is the simpler in it.</summary>
    private async Task<Greeting> BeginAsync(string assertion)
    {
        await Task.Yield();
        return greeted = await DiscoverAsync(assertion, CancellationToken.None) ?? await InitializeAsync(assertion, CancellationToken.None);
    }

    private async Task<Greeting?> DiscoverAsync(string assertion, CancellationToken cancellationToken)
    {
        var modern = new Greeting(true, McpVersions.Modern, null, []);
        using var response = await SendAsync(modern, assertion, Messages.Request(NextId(), McpMethods.Discover, Fit(modern, null)), [], cancellationToken);
        if (await AnswerAsync(response, cancellationToken) is { } answer && answer["result"] is JsonObject result)
        {
            return modern with { Capabilities = result["capabilities"] as JsonObject ?? [] };
        }

        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout)
        {
            throw new ComponentUnavailableException(ReasonOf(response, await AnswerAsync(response, cancellationToken)));
        }

        return null;
    }

    private async Task<Greeting> InitializeAsync(string assertion, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject
        {
            ["protocolVersion"] = McpVersions.LatestLegacy, ["capabilities"] = clientCapabilities.DeepClone(), ["clientInfo"] = Messages.ClientInfo(clientName),
        };
        var first = new Greeting(false, McpVersions.LatestLegacy, null, []);
        using var response = await SendAsync(first, assertion, Messages.Request(NextId(), McpMethods.Initialize, parameters), [], cancellationToken);
        var answer = await AnswerAsync(response, cancellationToken);
        if (answer?["result"] is not JsonObject result)
        {
            throw new ComponentUnavailableException(ReasonOf(response, answer));
        }

        var session = response.Headers.TryGetValues(McpHeaders.SessionId, out var values) ? values.FirstOrDefault() : null;
        var to = new Greeting(false, result.Text("protocolVersion") ?? McpVersions.LatestLegacy, session, result["capabilities"] as JsonObject ?? []);
        using var initialized = await SendAsync(to, assertion, Messages.Notification(McpMethods.Initialized), [], cancellationToken);
        return to;
    }

    private async Task<ComponentCatalog> ReadCatalogAsync(string assertion)
    {
        try
        {
            var to = await GreetAsync(assertion, CancellationToken.None);
            var lists = await Task.WhenAll(ComponentCatalog.Lists.Select(list => to.Capabilities.ContainsKey(list.Capability)
                ? ReadListAsync(assertion, list.Method, list.Member)
                : Task.FromResult(new JsonArray())));
            var catalog = new ComponentCatalog(lists);
            var changed = Catalog?.SameAs(catalog) is not true || Fault is not null;
            (Catalog, Fault, loadedAt) = (catalog, null, time.GetTimestamp());
            if (changed)
            {
                CatalogChanged?.Invoke();
            }

            return catalog;
        }
        catch (Exception e) when (e is ComponentUnavailableException or HttpRequestException or IOException or OperationCanceledException)
        {
            var isNews = Fault is null;
            (Fault, faultAt) = (e.Message, time.GetTimestamp());
            Forget(greeted);
            if (isNews && Catalog is not null)
            {
                CatalogChanged?.Invoke();
            }

            throw e as ComponentUnavailableException ?? new ComponentUnavailableException(e.Message);
        }
    }

    private async Task<JsonArray> ReadListAsync(string assertion, string method, string member)
    {
        var all = new JsonArray();
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            using var response = await CallAsync(assertion, NextId(), method, cursor is null ? [] : new JsonObject { ["cursor"] = cursor }, [], CancellationToken.None);
            var result = (await AnswerAsync(response, CancellationToken.None))?["result"] as JsonObject;
            foreach (var item in result?[member] as JsonArray ?? [])
            {
                all.Add(item?.DeepClone());
            }

            if ((cursor = result.Text("nextCursor")) is null)
            {
                break;
            }
        }

        return all;
    }

    private void Forget(Greeting? old) => Interlocked.CompareExchange(ref greeted, null, old);

    private static async Task<JsonObject?> AnswerAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await foreach (var message in Messages.ReadAsync(response, cancellationToken))
        {
            if (message.ContainsKey("result") || message.ContainsKey("error"))
            {
                return message;
            }
        }

        return null;
    }

    private static async Task<bool> IsSessionLostAsync(HttpResponseMessage response, CancellationToken cancellationToken) =>
        (await AnswerAsync(response, cancellationToken))?["error"] is not JsonObject error || error.Number("code") is SessionNotFound;

    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken) => ReasonOf(response, await AnswerAsync(response, cancellationToken));

    private static string ReasonOf(HttpResponseMessage response, JsonObject? answer) =>
        (answer?["error"] as JsonObject).Text("message") ?? $"it answered {(int)response.StatusCode}";

    /// <summary>How to speak with the component.</summary>
    private sealed record Greeting(bool IsModern, string Version, string? Session, JsonObject Capabilities);
}
