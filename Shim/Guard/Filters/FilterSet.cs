using System.Collections.Concurrent;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Guard.Filters;

/// <summary>The filters of one policy in their order. Immutable but for what it has picked by method already.</summary>
internal sealed class FilterSet
{
    public static readonly FilterSet None = new([], []);

    private const int Remembered = 500;
    private static readonly CompiledFilter[] Nothing = [];

    /// <summary>What servers send of their own accord.</summary>
    private static readonly string[] ServerMethods =
    [
        "sampling/createMessage", "elicitation/create", "roots/list", "ping", "notifications/message", "notifications/progress", "notifications/cancelled",
        "notifications/tools/list_changed", "notifications/prompts/list_changed", "notifications/resources/list_changed", "notifications/resources/updated",
        "notifications/tasks/status", "notifications/elicitation/complete", "notifications/subscriptions/acknowledged",
    ];

    private readonly IReadOnlyList<GuardFilter> configs;
    private readonly CompiledFilter[] onRequest;
    private readonly ConcurrentDictionary<string, CompiledFilter[]> requests = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, CompiledFilter[]> responses = new(StringComparer.Ordinal);

    private FilterSet(IReadOnlyList<GuardFilter> configs, CompiledFilter[] filters)
    {
        this.configs = configs;
        onRequest = Array.FindAll(filters, one => one.Config.OnRequest);
        OnResponse = Array.FindAll(filters, one => one.Config.OnResponse);
        TouchesServerMessages = Array.Exists(OnResponse, filter => Array.Exists(ServerMethods, method => filter.Covers(method, null)));
    }

    public bool IsEmpty => onRequest.Length == 0 && OnResponse.Length == 0;

    /// <summary>All that look at what servers send, whatever it is.</summary>
    public CompiledFilter[] OnResponse { get; }

    /// <summary>Some filter looks at what a server sends of its own accord.</summary>
    public bool TouchesServerMessages { get; }

    public static FilterSet Compile(IReadOnlyList<GuardFilter> configs, FilterFactory factory) =>
        configs.Count == 0 ? None : new(configs, [.. configs.Select(config => new CompiledFilter(config, factory.Create(config)))]);

    /// <summary>The same filters in the same order.</summary>
    public bool SameAs(IReadOnlyList<GuardFilter> others) => configs.Count == others.Count && configs.Zip(others).All(pair => Same(pair.First, pair.Second));

    /// <summary>Those that look at a message; an empty array costs one look-up.</summary>
    /// <param name="method">Null: nobody can say, so whoever looks at every method, and on the way back everybody.</param>
    public CompiledFilter[] For(bool isResponse, string? method, string? identifier)
    {
        var side = isResponse ? OnResponse : onRequest;
        if (side.Length == 0 || (isResponse && method is null))
        {
            return side;
        }

        var candidates = Candidates(isResponse ? responses : requests, side, method ?? "");
        return candidates.Length == 0 || Array.TrueForAll(candidates, one => one.Covers(method ?? "", identifier))
            ? candidates
            : Array.FindAll(candidates, one => one.Covers(method ?? "", identifier));
    }

    private static CompiledFilter[] Candidates(ConcurrentDictionary<string, CompiledFilter[]> known, CompiledFilter[] side, string method)
    {
        if (known.TryGetValue(method, out var found))
        {
            return found;
        }

        if (known.Count >= Remembered)
        {
            known.Clear();
        }

        found = Array.FindAll(side, one => one.Covers(method));
        return known[method] = found.Length == 0 ? Nothing : found;
    }

    private static bool Same(GuardFilter one, GuardFilter other) =>
        one with { Selectors = [] } == other with { Selectors = [] }
        && one.Selectors.Count == other.Selectors.Count
        && one.Selectors.Zip(other.Selectors).All(pair => pair.First.Method == pair.Second.Method && (pair.First.Identifiers, pair.Second.Identifiers) switch
        {
            (null, null) => true,
            ({ } these, { } those) => these.SequenceEqual(those, StringComparer.Ordinal),
            _ => false,
        });
}
