using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Contracts.Control;

/// <summary>
/// One text frame of the control channel (a WebSocket, guard → cluster). Unknown members and kinds are ignored, so that old and
/// new live side by side during a rolling upgrade.
/// </summary>
public sealed record ControlMessage
{
    /// <summary>One of the constants of <see cref="ControlKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>Of whom this speaks, on the channel of a pooled guard; elsewhere null, because the channel is the instance's own.</summary>
    public string? Instance { get; init; }

    /// <summary>Generation of <see cref="Instance"/>.</summary>
    public long? Generation { get; init; }

    /// <summary><see cref="ControlKinds.Attach"/>, <see cref="ControlKinds.Renew"/>: the instance's credential.</summary>
    public string? Credential { get; init; }

    /// <summary>Pairs a request with its answer (<see cref="ControlKinds.Drain"/>, <see cref="ControlKinds.Drained"/>).</summary>
    public long Id { get; init; }

    public GuardActivity? Activity { get; init; }

    public GuardPolicy? Policy { get; init; }

    /// <summary><see cref="ControlKinds.Heartbeat"/>: the policy in force is that of this revision too.</summary>
    public long? Revision { get; init; }

    /// <summary>
    /// <see cref="ControlKinds.Snapshot"/>, <see cref="ControlKinds.Heartbeat"/>: how long ago the silo itself last knew that it was up to
    /// date. Null (a silo of an older release) counts as 0.
    /// </summary>
    public long? StalenessMilliseconds { get; init; }

    /// <summary>JSON Web Key Set.</summary>
    public string? AssertionKeys { get; init; }

    /// <summary><see cref="ControlKinds.Forget"/>: ids of users; null means all of them.</summary>
    public IReadOnlyList<string>? Users { get; init; }

    /// <summary><see cref="ControlKinds.Drain"/>: refuse when the last call ended more recently than this.</summary>
    public long? MinIdleMilliseconds { get; init; }

    /// <summary><see cref="ControlKinds.Records"/>: whole frames of a journal, as <see cref="Audit.Frames"/> reads them.</summary>
    public ReadOnlyMemory<byte>? Records { get; init; }

    /// <summary>
    /// <see cref="ControlKinds.Drained"/>: true when the guard had nothing in flight and now refuses everything. <see cref="ControlKinds.RecordsTaken"/>: true
    /// when the records are committed; otherwise they have to be sent again.
    /// </summary>
    public bool? Accepted { get; init; }
}

public static class ControlKinds
{
    /// <summary>Pooled guard → cluster: it serves this instance and shows its credential. Everything else of the instance comes after it.</summary>
    public const string Attach = "attach";

    /// <summary>Pooled guard → cluster: it serves this generation no more.</summary>
    public const string Detach = "detach";

    /// <summary>Guard → cluster, at least every 5 s (every 30 s of a pooled instance) and when work begins after a pause.</summary>
    public const string Activity = "activity";

    /// <summary>Cluster → guard: the state of the security snapshot; sent on connect and on change.</summary>
    public const string Snapshot = "snapshot";

    /// <summary>Cluster → guard, every 2 s: nothing that touches this guard changed. It keeps the guard from refusing calls as stale.</summary>
    public const string Heartbeat = "heartbeat";

    /// <summary>
    /// Cluster → guard: what was exchanged for these users is not good any more. Sent for everybody on connect: what was said while the
    /// channel was down is not known.
    /// </summary>
    public const string Forget = "forget";

    /// <summary>
    /// Cluster → guard: its next credential, on connect and long before the last one ends. Only the generation that the instance is at gets one. Without
    /// an instance: the pooled guard's own.
    /// </summary>
    public const string Renew = "renew";

    /// <summary>Cluster → guard: stop if, and only if, nothing is in flight.</summary>
    public const string Drain = "drain";

    /// <summary>Guard → cluster: the answer to <see cref="Drain"/>.</summary>
    public const string Drained = "drained";

    /// <summary>Guard → cluster: records of calls. One batch at a time; answered by <see cref="RecordsTaken"/> of the same id.</summary>
    public const string Records = "records";

    /// <summary>Cluster → guard: what became of a batch of <see cref="Records"/>.</summary>
    public const string RecordsTaken = "records-taken";
}

/// <summary>What a guard did since it started.</summary>
public sealed record GuardActivity
{
    /// <summary>POST and DELETE requests without their last byte yet; idle GET and listen streams do not count.</summary>
    public int InFlight { get; init; }

    /// <summary>Milliseconds since the last request began or ended; null before the first one.</summary>
    public long? IdleMilliseconds { get; init; }

    public long Calls { get; init; }

    public long Refusals { get; init; }

    /// <summary>Bytes of records that wait in the journal.</summary>
    public long AuditWaiting { get; init; }

    /// <summary>Records that could not be kept.</summary>
    public long AuditDropped { get; init; }

    /// <summary>Revision of the policy in force.</summary>
    public long PolicyRevision { get; init; }
}
