using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Obot.Gateway.Authentication;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Control;

/// <summary>The guards' control endpoint: one WebSocket a guard, on the internal listener, for whoever proves an instance and a generation, or to be a pool.</summary>
internal sealed class ControlEndpoint(IAssertionIssuer assertions, GuardSession sessions, PoolSession pools, IHostApplicationLifetime lifetime)
{
    public async Task HandleAsync(HttpContext context)
    {
        var identity = Bearer.Read(context.Request) is { } credential ? await assertions.VerifyGuardCredential(credential, context.RequestAborted) : null;
        if (identity is null)
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }

        using var accepted = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.FromSeconds(5), KeepAliveTimeout = TimeSpan.FromSeconds(10) });
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        using var socket = new ControlSocket(accepted);
        GatewayInstruments.GuardCame();
        try
        {
            if (identity.IsPool)
            {
                await pools.RunAsync(socket, ended.Token);
                return;
            }

            await using var channel = new GuardChannel(socket);
            await sessions.RunAsync(channel, identity, ended.Token);
        }
        finally
        {
            GatewayInstruments.GuardWent();
        }
    }
}
