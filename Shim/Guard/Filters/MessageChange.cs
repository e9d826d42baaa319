using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Filters;

/// <summary>
/// What a filter may not change: who is asked for what. Method, id, tool, URI and version were authorized and compared with the headers;
/// everything else of a message is the filter's to change.
/// </summary>
internal static class MessageChange
{
    /// <summary>Null when the new message can stand for the old one.</summary>
    public static string? Fault(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        var (old, now) = (EnvelopeReader.Read(before), EnvelopeReader.Read(after));
        if (now.Fault is not EnvelopeFault.None || now.Kind != old.Kind || !now.IsVersion2)
        {
            return $"it is no JSON-RPC {old.Kind.ToString().ToLowerInvariant()}, or a key appears twice in it";
        }

        if (now.HasLookalike)
        {
            return "a key of it differs from one of the protocol's only by case";
        }

        if (!string.Equals(old.Method, now.Method, StringComparison.Ordinal) || now.IdKind != old.IdKind || (old.Id.Present && Id(before, old) != Id(after, now)))
        {
            return "its method or id is another one";
        }

        return Same(before, ModernHeaders.NameOf(old), after, ModernHeaders.NameOf(now)) && Same(before, old.ProtocolVersion, after, now.ProtocolVersion) && now.HasClientCapabilities == old.HasClientCapabilities
            ? null
            : "its name, URI, task or protocol version is another one";
    }

    private static RequestId Id(ReadOnlySpan<byte> message, in JsonRpcEnvelope envelope) => RequestId.Read(message.Slice(envelope.Id.Start, envelope.Id.Length));

    private static bool Same(ReadOnlySpan<byte> before, TokenRange one, ReadOnlySpan<byte> after, TokenRange other) =>
        string.Equals(JsonText.Read(before, one), JsonText.Read(after, other), StringComparison.Ordinal);
}
