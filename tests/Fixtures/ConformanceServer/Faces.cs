using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging.Console;

namespace Obot.ConformanceServer;

/// <summary>What the command line asked for; a null port means stdio.</summary>
/// <param name="Any">Listen on every address, for whoever calls: in a container.</param>
internal sealed record Face(int? Port, bool Stateless, bool Any = false)
{
    public static Face? Parse(string[] args) => args switch
    {
        ["--stdio"] => new(null, Stateless: false),
        ["--http", var port] when int.TryParse(port, CultureInfo.InvariantCulture, out var number) => new(number, Stateless: false),
        ["--http", var port, "--stateless"] when int.TryParse(port, CultureInfo.InvariantCulture, out var number) => new(number, Stateless: true),
        ["--http", var port, "--any"] when int.TryParse(port, CultureInfo.InvariantCulture, out var number) => new(number, Stateless: false, Any: true),
        ["--http", var port, "--any", "--stateless"] when int.TryParse(port, CultureInfo.InvariantCulture, out var number) => new(number, Stateless: true, Any: true),
        _ => null,
    };
}

internal static class StdioFace
{
    public static async Task RunAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        // standard output belongs to the protocol
        builder.Logging.ClearProviders().AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace)
            .SetMinimumLevel(LogLevel.Critical);
        builder.Services.AddMcpServer(FixtureServer.Describe).WithStdioServerTransport().AddFixture();
        await builder.Build().RunAsync();
    }
}

internal static class HttpFace
{
    public const string Path = "/mcp";

    public static async Task RunAsync(int port, bool stateless, bool any)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Critical);
        builder.Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.WebHost.ConfigureKestrel(options => options.Listen(any ? IPAddress.Any : IPAddress.Loopback, port));
        builder.Services.AddDistributedMemoryCache();
        var server = builder.Services.AddMcpServer(FixtureServer.Describe)
            .WithHttpTransport(options => options.Stateless = stateless)
            .AddFixture();
        if (!stateless)
        {
            server.AddPolling();
        }

        var app = builder.Build();
        if (!any)
        {
            app.UseLoopbackOnly();
        }

        app.MapMcp(Path);
        await app.StartAsync();
        Console.WriteLine($"url: {app.Urls.First()}{Path}");
        await app.WaitForShutdownAsync();
    }

    /// <summary>DNS rebinding: a page of another origin must not reach a server on loopback.</summary>
    private static void UseLoopbackOnly(this WebApplication app) => app.Use((context, next) =>
    {
        var origin = context.Request.Headers.Origin.ToString();
        var local = IsLoopback(context.Request.Host.Host)
            && (origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && IsLoopback(uri.Host)));
        if (local)
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    });

    private static bool IsLoopback(string host) => host is "localhost" or "127.0.0.1" or "[::1]";
}
