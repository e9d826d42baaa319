namespace Obot.Silo.Configuration;

/// <summary>One line an event: our own from Information, the frameworks' from Warning.</summary>
internal static class ConsoleLog
{
    public static ILoggingBuilder AddObotConsole(this ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddFilter("Obot", LogLevel.Information);

        // It advises server GC at every start; one process with everything on a small machine is better off without.
        logging.AddFilter("Orleans.Runtime.Silo", LogLevel.Error);

        // Its first line of a life measures from the boot of the machine.
        logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);

        // It warns that keys are stored as they are; the repository below it encrypts them.
        logging.AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error);

        // While it may log at any level, every request gets a scope and an activity that nobody sees. Tracing turns them on by itself.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        return logging;
    }
}
