using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Obot.Benchmarks.Fixtures;

/// <summary>Kestrel and nothing else.</summary>
internal static class KestrelPart
{
    public static WebApplicationBuilder Create(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(System.Net.IPAddress.Loopback, port);
        });
        return builder;
    }

    /// <summary>Prints its address and lives as long as whoever started it.</summary>
    public static async Task<int> ServeAsync(WebApplication app)
    {
        await app.StartAsync();
        await Console.Out.WriteLineAsync(app.Urls.First());
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
        return 0;
    }
}
