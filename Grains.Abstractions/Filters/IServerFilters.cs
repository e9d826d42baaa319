using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Filters;

/// <summary>Port: the filters as guards need them, secrets included, from memory; read once per silo and change.</summary>
public interface IServerFilters
{
    /// <summary>
    /// What looks at a server's messages, in order, as of the last change that this silo has heard of, or later. A server that is itself
    /// asked as a filter is looked at by no filter server, so that none asks itself.
    /// </summary>
    ValueTask<IReadOnlyList<ServerFilter>> Of(ServerEntry server, CancellationToken cancellationToken);

    /// <summary>Whom to ask for a filter of kind <see cref="FilterKinds.Server"/>; null when there is no such filter, or it does not look at the server.</summary>
    /// <param name="server">Whose guard asks.</param>
    ValueTask<FilterServer?> FindServer(string filterId, ServerEntry server, CancellationToken cancellationToken);
}

/// <summary>Port: asks the tool of a filter server.</summary>
public interface IFilterServers
{
    /// <param name="guardUrl">Guard of the filter server's running instance.</param>
    /// <param name="message">A JSON-RPC message.</param>
    /// <exception cref="ServerUnavailableException">It did not answer, or not as a filter.</exception>
    Task<FilterServerAnswer> Ask(FilterServer server, string guardUrl, ReadOnlyMemory<byte> message, CancellationToken cancellationToken);
}

/// <summary>One filter at one server. Two with the same <see cref="Id"/>, <see cref="Revision"/> and <see cref="Kind"/> are the same.</summary>
public sealed record ServerFilter
{
    public required string Id { get; init; }
    public required long Revision { get; init; }
    public required string Name { get; init; }

    /// <summary>One of <see cref="FilterKinds"/>, or <see cref="Unreadable"/>.</summary>
    public required string Kind { get; init; }
    public string? Url { get; init; }
    public string? Secret { get; init; }
    public required IReadOnlyList<FilterSelector> Selectors { get; init; }
    public required bool OnRequest { get; init; }
    public required bool OnResponse { get; init; }
    public required bool AllowedToMutate { get; init; }
    public required TimeSpan Timeout { get; init; }

    /// <summary>Its secret cannot be decrypted: guards block what it would have looked at.</summary>
    public const string Unreadable = "unreadable";

    public static bool Same(IReadOnlyList<ServerFilter> these, IReadOnlyList<ServerFilter> those) =>
        ReferenceEquals(these, those) || these.Select(Key).SequenceEqual(those.Select(Key));

    private static (string, long, string) Key(ServerFilter filter) => (filter.Id, filter.Revision, filter.Kind);
}

/// <param name="Instance">The filter server's instance.</param>
/// <param name="Caller">As whom it is asked: whoever made the server, so that no rule has to open it for everybody whose calls are filtered.</param>
/// <param name="ToolName">The tool.</param>
public sealed record FilterServer(McpInstanceId Instance, Principal Caller, string ToolName);

/// <summary>What the tool answered.</summary>
/// <param name="Json">A JSON object with <c>accept</c>, <c>mutated</c>, <c>message</c>, <c>reason</c>, as the tool wrote it.</param>
public sealed record FilterServerAnswer(string Json);
