using System.Text;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Authentication;
using Obot.Gateway.Mcp;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Filters;

/// <summary>
/// <c>POST /filters/{id}</c> of the control listener: a guard wants a filter server to look at a message. It has to prove its instance, and gets
/// at no server but those whose filters look at its own.
/// </summary>
internal sealed class FilterEndpoint(IAssertionIssuer assertions, IServerDirectory directory, IServerFilters filters, IFilterServers servers, RouteTable routes)
{
    public async Task HandleAsync(HttpContext context, string filterId)
    {
        var aborted = context.RequestAborted;
        var identity = Bearer.Read(context.Request) is { } credential ? await assertions.VerifyGuardCredential(credential, aborted) : null;
        if (identity is null || !HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = identity is null ? StatusCodes.Status401Unauthorized : StatusCodes.Status405MethodNotAllowed;
            return;
        }

        var entry = await directory.Find(identity.Instance.ServerId, aborted);
        if (entry is null || await filters.FindServer(filterId, entry, aborted) is not { } server)
        {
            await WriteAsync(context, StatusCodes.Status404NotFound, "text/plain", "the filter, or its MCP server, is gone");
            return;
        }

        using var message = new MemoryStream();
        await context.Request.Body.CopyToAsync(message, aborted);
        try
        {
            var answer = await AskAsync(server, message.GetBuffer().AsMemory(0, (int)message.Length), aborted);
            await WriteAsync(context, StatusCodes.Status200OK, "application/json", answer.Json);
        }
        catch (Exception e) when (e is ServerUnavailableException or TimeoutException)
        {
            await WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "text/plain", e.Message);
        }
    }

    /// <summary>A generation that does not answer is reported, and the next one asked.</summary>
    private async Task<FilterServerAnswer> AskAsync(FilterServer server, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        var route = routes.Find(server.Instance) ?? await routes.EnsureAsync(server.Instance, 0, cancellationToken);
        try
        {
            return await servers.Ask(server, UrlOf(route), message, cancellationToken);
        }
        catch (ServerUnavailableException) when (route.Status is DeploymentStatus.Running)
        {
            if (await routes.AskAgainAsync(server.Instance, cancellationToken) is not { } now || now.Generation <= route.Generation)
            {
                throw;
            }

            return await servers.Ask(server, UrlOf(now), message, cancellationToken);
        }
    }

    private static string UrlOf(ServerRoute route) =>
        route is { Status: DeploymentStatus.Running, GuardUrl: { } url } ? url : throw new ServerUnavailableException($"the filter's MCP server could not be started: {route.Reason}");

    private static Task WriteAsync(HttpContext context, int status, string type, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();
    }
}
