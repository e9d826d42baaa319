using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;
using Obot.Silo.Configuration;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Obot.Silo.Telemetry;

/// <summary>Metrics at <c>/metrics</c> for Prometheus; metrics and traces by OTLP where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says to whom. What there is: docs/telemetry.md.</summary>
internal static class TelemetrySetup
{
    private const string Path = "/metrics";
    private static readonly string[] Meters =
    [
        "Obot.*", "Microsoft.Orleans", "Npgsql", "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.Components.Server.Circuits",
    ];

    public static IServiceCollection AddTelemetry(this IServiceCollection services, IConfiguration configuration, ObotOptions options)
    {
        var toCollector = configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 };
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService("obot", serviceVersion: typeof(TelemetrySetup).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion, serviceInstanceId: $"{options.Silo.AdvertisedAddress}:{options.Silo.SiloPort}")
                .AddAttributes([new("obot.cluster.id", options.ClusterId), new("obot.roles", options.Roles)])
                .AddEnvironmentVariableDetector())
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Meters).AddPrometheusExporter(exporter => exporter.ScrapeResponseCacheDurationMilliseconds = 1000);
                if (toCollector)
                {
                    metrics.AddOtlpExporter();
                }
            });
        if (toCollector)
        {
            telemetry.WithTracing(traces => traces.AddSource("Obot.*", "Microsoft.Orleans.*", "Npgsql").AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddOtlpExporter());
        }

        return services;
    }

    /// <summary>Before everything else: scrapers come by address, and wait for nobody.</summary>
    public static IApplicationBuilder UseMetrics(this IApplicationBuilder app, string token) => app.UseWhen(
        context => context.Request.Path == Path,
        scrape => scrape.Use(next => context =>
        {
            if (token.Length == 0 || IsBearer(context.Request.Headers.Authorization, token))
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return context.Response.WriteAsync($"Send the token of Obot:Telemetry:MetricsToken as '{HeaderNames.Authorization}: Bearer …'.\n", context.RequestAborted);
        }).UseOpenTelemetryPrometheusScrapingEndpoint(Path));

    private static bool IsBearer(string? header, string token) => header is not null && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(header["Bearer ".Length..].Trim()), Encoding.UTF8.GetBytes(token));
}
