using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Forwarding;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>
/// Between a client of one era and a server of the other. When both speak the same nothing happens, but that the server's era is asked once
/// in a while.
/// </summary>
internal sealed class EraTranslator
{
    private readonly bool translates;
    private readonly ServerEra era;
    private readonly ModernBridge bridge;

    /// <param name="translates">Otherwise a modern request to a legacy server is refused with the versions that there are.</param>
    public EraTranslator(string instance, bool translates, Upstream upstream, GuardLimits limits, TimeProvider time)
    {
        this.translates = translates;
        var http = new UpstreamHttp(upstream);
        era = new(http, time);
        bridge = new(http, new(http, time), new(instance, time), limits);
    }

    /// <summary>False: the call goes on as it is.</summary>
    public async Task<bool> TryForwardAsync(GuardCall call)
    {
        if (!call.IsModern || !HttpMethods.IsPost(call.Context.Request.Method) || call.Envelope.Kind is EnvelopeKind.Response || await era.IsModernAsync(call) is not false)
        {
            // a denial stopped it just as well
            return call.Denial is not null;
        }

        var version = call.Context.Request.Headers[McpHeaders.ProtocolVersion].ToString();
        if (!translates || version != McpVersions.Modern)
        {
            IEnumerable<string> supported = translates ? [McpVersions.Modern, .. McpVersions.Legacy.Reverse()] : McpVersions.Legacy.Reverse();
            call.MarkRefused();
            await GuardAnswers.WriteAsync(
                call.Context, StatusCodes.Status400BadRequest,
                JsonRpcError.Write(call.Id.Span, McpErrorCodes.UnsupportedVersion, $"protocol version {version} is not supported by this server", JsonRpcError.Versions(supported, version)));
            return true;
        }

        await bridge.ForwardAsync(call);
        return true;
    }
}
