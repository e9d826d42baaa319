using System.Globalization;

namespace Obot.Benchmarks.Storage;

/// <summary><c>storage --database "Host=…"</c>: the figures of grain writes alone.</summary>
internal static class StorageCommand
{
    public static async Task<int> RunAsync(Arguments arguments)
    {
        var figure = await StorageFigure.TakeAsync(arguments.Text("--database"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"plain {figure.PlainPerSecond:0}/s, encrypted {figure.EncryptedPerSecond:0}/s, ratio {figure.Ratio:0.000}; 1 KB both ways {figure.Microseconds:0.0} µs"));
        return 0;
    }
}
