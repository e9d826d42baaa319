using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Obot.Gateway.Authentication;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary>Authenticates, checks scope <c>api</c>, keeps other sites out, and turns what goes wrong into problem details.</summary>
internal sealed partial class ManagementFilter(ICallerAuthenticator authenticator, ILogger<ManagementFilter> logger) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            if (await authenticator.AuthenticateAsync(http, http.RequestAborted) is not { } caller)
            {
                return ManagementProblems.Unauthenticated(http, Bearer.Read(http.Request) is { } token ? http.RequestServices.GetService<ISignIn>()?.WhyRefused(token) : null);
            }

            if (!caller.Has(Scopes.Api))
            {
                return ManagementProblems.MissingScope(http, Scopes.Api);
            }

            if (IsOfAnotherSite(http.Request))
            {
                return ManagementProblems.Problem(
                    StatusCodes.Status403Forbidden, "Not allowed", "A change made with the console's session must come from the console itself. Programs send an API key.");
            }

            http.Features.Set(new CallerFeature(caller));
            return await next(context);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return Results.Empty;
        }
        catch (Exception e)
        {
            if (ManagementProblems.Of(e) is { } problem)
            {
                return problem;
            }

            if (http.Response.HasStarted)
            {
                throw;
            }

            Failed(e, http.Request.Method, http.Request.Path, http.TraceIdentifier);
            return ManagementProblems.Problem(
                StatusCodes.Status500InternalServerError, "Internal error", $"The platform failed. Its log has the cause under request '{http.TraceIdentifier}'.");
        }
    }

    /// <summary>Cross-site request forgery: a cookie comes by itself, an Authorization header never does.</summary>
    private static bool IsOfAnotherSite(HttpRequest request)
    {
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || request.Headers.Authorization.Count > 0)
        {
            return false;
        }

        var site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0)
        {
            return site is not ("same-origin" or "none");
        }

        var origin = request.Headers.Origin.ToString();
        return origin.Length > 0 && !string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed (request {TraceId})")]
    private partial void Failed(Exception exception, string method, string path, string traceId);
}

/// <summary>What <see cref="ManagementFilter"/> learned.</summary>
internal sealed record CallerFeature(Principal Caller);

internal static class CallerFeatureExtensions
{
    /// <summary>The caller of a request that passed <see cref="ManagementFilter"/>.</summary>
    public static Principal Caller(this HttpContext context) =>
        context.Features.Get<CallerFeature>()?.Caller ?? throw new InvalidOperationException("The endpoint is mapped outside MapManagement.");
}
