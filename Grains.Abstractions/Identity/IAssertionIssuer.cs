using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: signs what guards believe. Served from keys in memory; no I/O per call.</summary>
public interface IAssertionIssuer
{
    /// <summary>
    /// A compact JWT (ES256, <c>typ: obot-assertion+jwt</c>) for one caller at one instance: <c>sub</c>, <c>role</c>, <c>cid</c>, <c>groups</c>, <c>aud</c> =
    /// instance, <c>exp</c> at most <see cref="Lifetime"/> away. Groups beyond 8,000 characters are cut to those that access rules name.
    /// </summary>
    Assertion Issue(Principal principal, McpInstanceId instance);

    /// <summary>
    /// The credential with which the guard of one generation proves itself on the control channel: <c>typ: obot-guard+jwt</c>,
    /// <c>aud</c> = <c>obot-control</c>, <c>sub</c> = instance, <c>gen</c>, <c>exp</c> = <see cref="Security.SecurityOptions.GuardCredentialLifetime"/> away.
    /// </summary>
    string IssueGuardCredential(McpInstanceId instance, long generation);

    /// <summary>Checks a guard's credential; null when it is not one of ours, or is expired.</summary>
    Task<GuardIdentity?> VerifyGuardCredential(string credential, CancellationToken cancellationToken);

    /// <summary>
    /// Checks an assertion that a guard presents for a token; null when it is not one of ours for this instance, or is expired. A call may wait in
    /// its guard for the person behind it: expired means <see cref="WaitingGrace"/> after its end here.
    /// </summary>
    /// <returns>Id of the user it speaks of.</returns>
    Task<string?> VerifyAssertion(string assertion, McpInstanceId instance, CancellationToken cancellationToken);

    /// <summary>
    /// The caller of an assertion that a guard presents, so that it can be exchanged for one of another instance; null when it is not one of
    /// ours for this instance, or is expired.
    /// </summary>
    Task<Principal?> ReadAssertion(string assertion, McpInstanceId instance, CancellationToken cancellationToken);

    /// <summary>The public halves as a JSON Web Key Set (RFC 7517).</summary>
    string PublicKeys { get; }

    /// <summary>32 bytes for one purpose and subject, derived (HKDF-SHA256) from the cluster's secret: the same on every silo.</summary>
    byte[] DeriveKey(string purpose, string subject);

    /// <summary>How long an assertion is good for: 60 s.</summary>
    static TimeSpan Lifetime { get; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a guard may still exchange an assertion for a call that waits for its person: 5 minutes.</summary>
    static TimeSpan WaitingGrace => TimeSpan.FromMinutes(5);
}

/// <param name="Token">Compact JWT.</param>
/// <param name="RenewAt">From here on a new one should be asked for; a little before its expiry.</param>
public sealed record Assertion(string Token, DateTimeOffset RenewAt);

/// <param name="Instance">Instance that the guard stands beside.</param>
/// <param name="Generation">Generation that it was started for.</param>
public sealed record GuardIdentity(McpInstanceId Instance, long Generation)
{
    /// <summary>The name under which a guard of many instances proves itself; no server has it.</summary>
    public static McpInstanceId Pool { get; } = McpInstanceId.Shared("guard-pool");

    /// <summary>A guard of many instances: it may say nothing but what each of them proves.</summary>
    public bool IsPool => Instance == Pool;
}
