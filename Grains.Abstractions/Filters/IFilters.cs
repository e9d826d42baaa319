using System.Text.Json;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Abstractions.Filters;

/// <summary>
/// Port: what looks at messages between clients and servers. Administrators manage it, nobody else sees it. Every change is in force on every
/// guard within a second.
/// </summary>
public interface IFilters
{
    /// <exception cref="NotAllowedException">The caller is no administrator, or the credential reaches some servers only.</exception>
    /// <exception cref="InvalidInputException">A field is missing or wrong, or names what does not exist.</exception>
    Task<FilterView> Create(Principal caller, NewFilter request, CancellationToken cancellationToken);

    /// <summary>Oldest first.</summary>
    /// <param name="limit">1 … 500.</param>
    /// <param name="cursor">Opaque, from an earlier page.</param>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task<Page<FilterView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>Null when there is none.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task<FilterView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Replaces the filter, but for a secret that is not sent. Null when there is none.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    /// <exception cref="InvalidInputException">A field is missing or wrong, or names what does not exist.</exception>
    Task<FilterView?> Update(Principal caller, string id, NewFilter request, CancellationToken cancellationToken);

    /// <summary>False when there is none.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Sends a sample past the filter, by the code that guards run, whether it is disabled or not. Null when there is none.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    /// <exception cref="InvalidInputException">The sample is no JSON-RPC message.</exception>
    /// <exception cref="ServerUnavailableException">The trial could not be run here.</exception>
    Task<FilterTestResult?> Test(Principal caller, string id, FilterTest request, CancellationToken cancellationToken);

    /// <summary>Servers that a filter may name: for choosing from lists.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task<IReadOnlyList<RuleChoice>> Servers(Principal caller, CancellationToken cancellationToken);
}

/// <summary>Body of <c>POST /api/mcp-webhook-validations/{id}/test</c>. Everything has a default: a call of a tool <c>echo</c>.</summary>
public sealed record FilterTest
{
    /// <summary>A JSON-RPC message.</summary>
    public JsonElement? Message { get; init; }

    /// <summary><c>request</c> or <c>response</c>. Default: what the filter looks at, requests before responses.</summary>
    public string? Side { get; init; }

    /// <summary>Method of the call that a response answers. Default <c>tools/call</c>.</summary>
    public string? Method { get; init; }

    /// <summary>Tool, prompt, URI or task of that call.</summary>
    public string? Identifier { get; init; }

    /// <summary>Server that the message is said to be to or from.</summary>
    public string? McpServerID { get; init; }
}

public sealed record FilterTestResult
{
    /// <summary>The selectors and sides of the filter cover the message; otherwise it was not asked.</summary>
    public required bool Matches { get; init; }

    /// <summary><c>accepted</c>, <c>mutated</c>, <c>rejected</c>, <c>failed</c>; absent when it was not asked.</summary>
    public string? Outcome { get; init; }

    /// <summary>Why.</summary>
    public string? Detail { get; init; }

    /// <summary>The message as it would go on; absent when it would not.</summary>
    public JsonElement? Message { get; init; }

    public required double DurationMs { get; init; }
}
