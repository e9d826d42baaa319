using Microsoft.AspNetCore.Http;
using Obot.Gateway.Authentication;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Gateway.Mcp;

/// <summary>
/// <c>/components/{serverId}</c> on the internal listener: a composite's guard calls one of its components for a caller. The guard proves
/// itself by its credential and the caller by the assertion that it was given; that is exchanged for one of the component (RFC 8693), whose
/// own guard decides. No guard reaches a server that its composite does not name.
/// </summary>
internal sealed class ComponentEndpoint(IAssertionIssuer assertions, IComposites composites, McpEndpoint mcp)
{
    public const string Prefix = "/components";

    public async Task HandleAsync(HttpContext context, string serverId)
    {
        var aborted = context.RequestAborted;
        var guard = Bearer.Read(context.Request) is { } credential ? await assertions.VerifyGuardCredential(credential, aborted) : null;
        var presented = context.Request.Headers[ObotHeaders.Assertion];
        if (guard is null || presented.Count != 1 || await assertions.ReadAssertion(presented[0]!, guard.Instance, aborted) is not { } principal)
        {
            await McpError.RefuseAsync(context, StatusCodes.Status401Unauthorized, "no credential of a composite's guard with an assertion of its caller");
            return;
        }

        if (await composites.ComponentsOf(guard.Instance.ServerId, aborted) is not { } components || !components.Contains(serverId, StringComparer.Ordinal))
        {
            await McpError.RefuseAsync(context, StatusCodes.Status403Forbidden, $"'{serverId}' is no component of '{guard.Instance}'");
            return;
        }

        if (await composites.ComponentsOf(serverId, aborted) is not null)
        {
            await McpError.RefuseAsync(context, StatusCodes.Status403Forbidden, $"'{serverId}' is a composite itself, and those cannot be components");
            return;
        }

        try
        {
            // its end is that of the caller's request at the composite, which was counted there
            await mcp.RouteAsync(context, new Verdict(principal, DateTimeOffset.MaxValue, new()), serverId, aborted);
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            // the composite's guard hung up
        }
    }
}
