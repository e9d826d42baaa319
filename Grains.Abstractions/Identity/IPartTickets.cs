namespace Obot.Grains.Abstractions.Identity;

/// <summary>
/// Port: how the platform's own parts (chat, tasks) come in for a user: by the HTTP doors of any gateway silo, with a ticket as the bearer. The
/// call is the user's in every respect: rules, policies, budgets, limits, record. From keys in memory; no I/O.
/// </summary>
public interface IPartTickets
{
    /// <summary>A bearer good for <see cref="Lifetime"/> and for one scope; ask for one a call.</summary>
    /// <param name="userId">Whose call it is.</param>
    /// <param name="part">Which part calls, e.g. <c>chat</c>: the record's credential is <c>{part}:{userId}</c>.</param>
    /// <param name="scope"><see cref="Scopes.Mcp"/> or <see cref="Scopes.Llm"/>.</param>
    string Issue(string userId, string part, string scope);

    /// <summary>Null for what is no ticket of this cluster, was changed, or has expired.</summary>
    PartTicket? Read(string ticket);

    /// <summary>5 minutes.</summary>
    static TimeSpan Lifetime { get; } = TimeSpan.FromMinutes(5);
}

/// <param name="CredentialId"><c>{part}:{userId}</c>.</param>
/// <param name="Scope">The one thing that it is good for.</param>
public sealed record PartTicket(string UserId, string CredentialId, string Scope);
