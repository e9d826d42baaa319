using System.Globalization;
using System.Text.Json;
using Obot.Benchmarks.Fixtures;
using Obot.Benchmarks.Load;

namespace Obot.Benchmarks.Lots;

/// <summary>One lot at one concurrency in one round.</summary>
/// <param name="CpuMicroseconds">Processor time that a request costs in the hops; it hardly depends on what else the machine does.</param>
internal sealed record Measurement(string Lot, int Concurrency, int Round, LoadResult Load, double CpuMicroseconds)
{
    public static async Task<Measurement> TakeAsync(Lot lot, int concurrency, int round, double warmup, double seconds)
    {
        var hops = lot.Hops();
        var before = hops.Sum(CpuTime.Of);
        await using var child = Child.Part(
            [
                "load", "--url", lot.Url.ToString(), "--concurrency", $"{concurrency}",
                "--warmup", warmup.ToString(CultureInfo.InvariantCulture), "--seconds", seconds.ToString(CultureInfo.InvariantCulture),
                .. lot.Key is { } key ? ["--key", key] : Array.Empty<string>(),
            ]);
        var result = JsonSerializer.Deserialize<LoadResult>(await child.ReadToEndAsync(), JsonSerializerOptions.Web)!;
        return new(lot.Name, concurrency, round, result, (hops.Sum(CpuTime.Of) - before) * 1e6 / result.AllRequests);
    }
}
