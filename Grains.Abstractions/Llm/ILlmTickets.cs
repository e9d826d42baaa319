namespace Obot.Grains.Abstractions.Llm;

/// <summary>
/// Port: how the platform's own parts (chat, tasks) call models for a user: by the HTTP door of any gateway silo, with a ticket as the key. The
/// call is the user's in every respect: policies, budgets, record. From keys in memory; no I/O.
/// </summary>
public interface ILlmTickets
{
    /// <summary>A bearer for <c>/api/llm-proxy</c>, good for <see cref="Lifetime"/> and for nothing else; ask for one a call.</summary>
    /// <param name="userId">Whose call it is.</param>
    /// <param name="part">Which part calls, e.g. <c>chat</c>: the record's credential is <c>{part}:{userId}</c>.</param>
    string Issue(string userId, string part);

    /// <summary>Null for what is no ticket of this cluster, was changed, or has expired.</summary>
    LlmTicket? Read(string ticket);

    /// <summary>5 minutes.</summary>
    static TimeSpan Lifetime { get; } = TimeSpan.FromMinutes(5);
}

/// <param name="CredentialId"><c>{part}:{userId}</c>.</param>
public sealed record LlmTicket(string UserId, string CredentialId);
