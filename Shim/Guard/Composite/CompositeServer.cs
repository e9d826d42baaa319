using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Composite;

/// <summary>What a composite answers itself, and where everything else goes.</summary>
internal sealed class CompositeServer(CompositeUpstream composite)
{
    /// <summary>How long the first list waits for components that never answered; later ones wait for nobody.</summary>
    private static readonly TimeSpan ListPatience = TimeSpan.FromSeconds(3);

    /// <summary>How long a call by an unknown name waits for components that may know it.</summary>
    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(90);

    private static readonly Dictionary<string, int> ListMethods = ComponentCatalog.Lists
        .Select((list, index) => (list.Method, Index: index)).ToDictionary(list => list.Method, list => list.Index, StringComparer.Ordinal);

    /// <summary>The answer of the composite itself, or where the request has to go.</summary>
    public async Task<Verdict> DecideAsync(Seat seat, CompositeCall call, CancellationToken cancellationToken)
    {
        if (ListMethods.TryGetValue(call.Method, out var list))
        {
            await seat.WarmAsync(call.Assertion, ListPatience, cancellationToken);
            return Answer(call, new() { [ComponentCatalog.Lists[list].Member] = new Listing(seat.Links).Of(list) }, caches: true);
        }

        switch (call.Method)
        {
            case McpMethods.Initialize:
                // whoever says hello is about to ask: the components wake meanwhile
                _ = seat.WarmAsync(call.Assertion, TimeSpan.Zero, CancellationToken.None);
                return Answer(call, Hello(call));
            case McpMethods.Discover:
                _ = seat.WarmAsync(call.Assertion, TimeSpan.Zero, CancellationToken.None);
                return Answer(call, Discovered(), caches: true);
            case McpMethods.Ping:
                return Answer(call, []);
            case "logging/setLevel":
                await Task.WhenAll(seat.Links.Where(link => link.Catalog is not null && !link.IsModern).Select(link => SetLevelAsync(link, call, cancellationToken)));
                return Answer(call, []);
            case McpMethods.ToolsCall or McpMethods.PromptsGet or McpMethods.ResourcesRead or "resources/subscribe" or "resources/unsubscribe" or "completion/complete":
                return Find(new Listing(seat.Links), call) ?? await FindLaterAsync(seat, call, cancellationToken);
            default:
                return new(Messages.Error(call.Id, McpErrorCodes.MethodNotFound, $"Method '{call.Method}' is not available."), call.IsModern ? 404 : 200);
        }
    }

    /// <summary>What the caller gets where a component cannot be asked.</summary>
    public static JsonObject Unavailable(CompositeCall call, ComponentLink link, string reason)
    {
        var text = Listing.Unavailable(link, reason);
        return call.Method is McpMethods.ToolsCall
            ? Messages.Result(call.Id, Messages.ToolFailure(text), call.IsModern)
            : Messages.Error(call.Id, McpErrorCodes.Refused, text);
    }

    private async Task<Verdict> FindLaterAsync(Seat seat, CompositeCall call, CancellationToken cancellationToken)
    {
        await seat.WarmAsync(call.Assertion, CallPatience, cancellationToken);
        if (Find(new Listing(seat.Links), call) is { } found)
        {
            return found;
        }

        var faults = seat.Links.Where(link => link.Fault is not null).Select(link => Listing.Unavailable(link, link.Fault!)).ToList();
        var what = call.Name is { } name ? $"'{name}'" : "what you name";
        return new(Messages.Error(call.Id, McpErrorCodes.InvalidParams, $"{what} is not offered here{(faults.Count > 0 ? $"; {string.Join("; ", faults)}" : "")}"), 200);
    }

    private static Verdict? Find(Listing listing, CompositeCall call)
    {
        var parameters = call.Parameters?.DeepClone() as JsonObject ?? [];
        switch (call.Method)
        {
            case McpMethods.ToolsCall when call.Name is { } name && listing.Tool(name) is { } tool:
                parameters["name"] = tool.Name;
                return new(tool.Link, parameters);
            case McpMethods.PromptsGet when call.Name is { } name && listing.Prompt(name) is { } prompt:
                parameters["name"] = prompt.Name;
                return new(prompt.Link, parameters);
            case "completion/complete" when parameters["ref"] is JsonObject reference:
                if (reference.Text("uri") is { } about)
                {
                    return listing.Resource(about) is { } owner ? new(owner, parameters) : null;
                }

                if (reference.Text("name") is not { } shown || listing.Prompt(shown) is not { } origin)
                {
                    return null;
                }

                reference["name"] = origin.Name;
                return new(origin.Link, parameters);
            case McpMethods.ResourcesRead or "resources/subscribe" or "resources/unsubscribe" when parameters.Text("uri") is { } uri && listing.Resource(uri) is { } link:
                return new(link, parameters);
            default:
                return null;
        }
    }

    private static Verdict Answer(CompositeCall call, JsonObject result, bool caches = false)
    {
        if (caches && call.IsModern)
        {
            // the list is this caller's own, and may be another in a moment
            result["ttlMs"] = 0;
            result["cacheScope"] = "private";
        }

        return new(Messages.Result(call.Id, result, call.IsModern), 200);
    }

    private JsonObject Hello(CompositeCall call)
    {
        var asked = call.Parameters.Text("protocolVersion");
        return new()
        {
            ["protocolVersion"] = asked is not null && McpVersions.Legacy.Contains(asked, StringComparer.Ordinal) ? asked : McpVersions.LatestLegacy,
            ["capabilities"] = Capabilities(),
            ["serverInfo"] = Messages.ClientInfo(composite.Name),
        };
    }

    private JsonObject Discovered() => new()
    {
        ["supportedVersions"] = new JsonArray([.. McpVersions.Legacy.Append(McpVersions.Modern).Select(version => (JsonNode)version)]),
        ["capabilities"] = Capabilities(),
        ["_meta"] = new JsonObject { ["io.modelcontextprotocol/serverInfo"] = Messages.ClientInfo(composite.Name) },
    };

    private static JsonObject Capabilities() => new()
    {
        ["tools"] = new JsonObject { ["listChanged"] = true },
        ["prompts"] = new JsonObject { ["listChanged"] = true },
        ["resources"] = new JsonObject { ["listChanged"] = true, ["subscribe"] = true },
        ["completions"] = new JsonObject(),
        ["logging"] = new JsonObject(),
    };

    private static async Task SetLevelAsync(ComponentLink link, CompositeCall call, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await link.CallAsync(call.Assertion, link.NextId(), call.Method, call.Parameters, [], cancellationToken);
        }
        catch (Exception e) when (e is ComponentUnavailableException or HttpRequestException or IOException)
        {
            // a component that does not log stays as it is
        }
    }

    /// <summary>Either an answer, or a component and what it is asked.</summary>
    internal sealed record Verdict(JsonObject? Message, int Status, ComponentLink? Link, JsonObject? Parameters)
    {
        public Verdict(JsonObject message, int status)
            : this(message, status, null, null)
        {
        }

        public Verdict(ComponentLink link, JsonObject parameters)
            : this(null, 0, link, parameters)
        {
        }
    }
}

/// <summary>One request of a caller.</summary>
/// <param name="ParamHeaders">Its <c>Mcp-Param-*</c> headers.</param>
internal sealed record CompositeCall(JsonNode? Id, string Method, JsonObject? Parameters, bool IsModern, string Assertion, bool TakesEvents, IReadOnlyList<(string Name, string Value)> ParamHeaders)
{
    public string? Name => Parameters.Text("name") ?? Parameters.Text("uri");
}
