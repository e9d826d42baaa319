using System.Text.Json;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Audit;

/// <summary>
/// Port: reading the records of calls. Administrators, owners and auditors see all of them, roles <c>power</c> and <c>powerPlus</c> those of servers
/// that they own; nobody else any.
/// </summary>
public interface IAuditLogs
{
    /// <summary>
    /// Newest first. Where few records match a search over a long time, a page may be short or empty and still have a cursor: the search goes on from
    /// there. Pages neither skip nor repeat records that were there at the first one.
    /// </summary>
    /// <param name="limit">1 … 500.</param>
    /// <param name="cursor">Opaque, from an earlier page.</param>
    /// <exception cref="NotAllowedException">The caller may see no records.</exception>
    /// <exception cref="InvalidInputException">A condition that cannot be.</exception>
    Task<Page<AuditEntry>> Search(Principal caller, AuditQuery query, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>
    /// One record. With bodies and headers for auditors, whatever their role, and for nobody else; that they were shown is itself recorded
    /// (<see cref="AuditMethods.BodiesRead"/>) before they are. Null when there is none, or the caller may not see it.
    /// </summary>
    /// <exception cref="NotAllowedException">The caller may see no records.</exception>
    Task<AuditEntry?> Find(Principal caller, string id, CancellationToken cancellationToken);
}

/// <summary>Conditions; what is null or empty does not restrict.</summary>
public sealed record AuditQuery
{
    public string? McpServerId { get; init; }
    public string? UserId { get; init; }

    /// <summary>The client's name, or <c>name/version</c>; case does not matter.</summary>
    public string? Client { get; init; }
    public string? Method { get; init; }

    /// <summary>Tool, prompt or URI, exactly.</summary>
    public string? Identifier { get; init; }

    /// <summary>A number (<c>403</c>), a class (<c>4xx</c>), <c>ok</c> (no error) or <c>error</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Legacy session as its client holds it.</summary>
    public string? SessionId { get; init; }

    /// <summary>From, inclusive.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>To, exclusive.</summary>
    public DateTimeOffset? EndTime { get; init; }

    /// <summary>Text that occurs in the metadata or in the name of user or server; case does not matter. At most 200 characters.</summary>
    public string? Text { get; init; }
}

/// <summary>One record of a call.</summary>
public sealed record AuditEntry
{
    public required string Id { get; init; }
    public required DateTimeOffset At { get; init; }
    public string? UserId { get; init; }

    /// <summary>The user's name as it is now; null where there is no such user any more.</summary>
    public string? UserName { get; init; }
    public string? CredentialId { get; init; }
    public string? ClientName { get; init; }
    public string? ClientVersion { get; init; }
    public string? McpServerId { get; init; }
    public string? ServerName { get; init; }
    public required string Method { get; init; }
    public string? Identifier { get; init; }
    public required int Status { get; init; }
    public string? Error { get; init; }
    public required double DurationMs { get; init; }
    public string? SessionId { get; init; }
    public string? TraceId { get; init; }
    public string? ClientIp { get; init; }
    public required IReadOnlyList<AuditFilterRun> Filters { get; init; }

    /// <summary>True length of the request's body.</summary>
    public required long RequestBytes { get; init; }
    public required long ResponseBytes { get; init; }

    /// <summary>Only for auditors, and only of one record at a time.</summary>
    public AuditBodies? Bodies { get; init; }
}

/// <param name="Outcome"><c>accepted</c>, <c>mutated</c>, <c>rejected</c> or <c>failed</c>.</param>
public sealed record AuditFilterRun(string Name, string Outcome, string? Detail);

/// <summary>Headers and bodies, the latter as far as they were kept (<see cref="AuditOptions.MaxBodyBytes"/>).</summary>
/// <param name="RequestHeaders">Name and value; credentials as <c>***</c>.</param>
public sealed record AuditBodies(
    IReadOnlyList<KeyValuePair<string, string>> RequestHeaders, IReadOnlyList<KeyValuePair<string, string>> ResponseHeaders, string RequestBody, string ResponseBody)
{
    /// <summary>The body as JSON where it is that and whole; otherwise as a text.</summary>
    public static object AsJson(string body)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonElement>(body);
        }
        catch (JsonException)
        {
            return body;
        }
    }
}
