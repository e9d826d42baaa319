using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Audit;
using Obot.Gateway.Authentication;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Gateway.Mcp;

/// <summary>
/// An idle GET stream of a server that sleeps: held open with keep-alives, and attached when a POST has woken the server. It never
/// wakes it.
/// </summary>
internal sealed class ParkedStream(RouteTable routes, GuardForwarder forwarder, IAssertionIssuer assertions, TimeProvider time)
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private static readonly byte[] Comment = Encoding.ASCII.GetBytes(": asleep\n\n");
    private static readonly string[] Passed = ["Accept", McpHeaders.SessionId, McpHeaders.ProtocolVersion, McpHeaders.LastEventId, "traceparent", "tracestate", "baggage"];

    public async Task ServeAsync(HttpContext context, McpInstanceId instance, Verdict verdict, CancellationToken aborted)
    {
        await routes.ObserveAsync(instance);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        await context.Response.Body.WriteAsync(Comment, aborted);
        await context.Response.Body.FlushAsync(aborted);
        while (!aborted.IsCancellationRequested)
        {
            if (routes.Find(instance) is { } route && !await AttachAsync(context, route, verdict.AssertionFor(instance, assertions, time.GetUtcNow()), aborted))
            {
                return;
            }

            await routes.WaitForChangeAsync(instance, KeepAlive, aborted);
            await context.Response.Body.WriteAsync(Comment, aborted);
            await context.Response.Body.FlushAsync(aborted);
        }
    }

    /// <summary>False when the server no longer knows the session: the client has to begin a new one.</summary>
    private async Task<bool> AttachAsync(HttpContext context, ServerRoute route, string assertion, CancellationToken aborted)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, forwarder.EndpointOf(route));
        foreach (var name in Passed)
        {
            if (context.Request.Headers.TryGetValue(name, out var value))
            {
                request.Headers.TryAddWithoutValidation(name, value.ToString());
            }
        }

        request.Headers.TryAddWithoutValidation(ObotHeaders.Instance, route.Instance);
        request.Headers.TryAddWithoutValidation(ObotHeaders.Assertion, assertion);
        if (ClientAddress.Of(context) is { } address)
        {
            request.Headers.TryAddWithoutValidation(ObotHeaders.ClientIp, address);
        }

        try
        {
            using var response = await forwarder.Client.SendAsync(request, aborted);
            if (response.StatusCode is not HttpStatusCode.OK)
            {
                return response.Headers.Contains(ObotHeaders.RetryReason);
            }

            await response.Content.CopyToAsync(context.Response.Body, aborted);
        }
        catch (HttpRequestException)
        {
            // gone again before it was attached
        }

        return true;
    }
}
