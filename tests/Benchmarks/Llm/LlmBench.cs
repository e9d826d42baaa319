using System.Globalization;
using Obot.Benchmarks.Fixtures;
using Obot.Benchmarks.Lots;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Llm;

/// <summary>
/// <c>llm [--seconds 5] [--rounds 3] [--concurrency 1,16,64,256] [--lots …] [--answers whole,streamed] [--out docs/benchmarks-llm.md]</c>: the LLM gateway with keys, policy, budget and audit
/// beside one bare YARP hop and an LLM gateway of others, to the same model, whole and streamed, in turns of one run. Needs <c>wrk</c>, and npm for the others' one.
/// </summary>
internal static class LlmBench
{
    public static async Task<int> RunAsync(Arguments arguments, TimeProvider time)
    {
        using var scratch = new Scratch("bench-llm");
        var load = double.Parse((await File.ReadAllTextAsync("/proc/loadavg")).Split(' ')[0], CultureInfo.InvariantCulture);
        var (server, upstream) = await Child.ServeAsync("llm-server");
        await using var keptServer = server;
        var (hop, yarp) = await Child.ServeAsync("yarp", "--to", upstream.ToString());
        await using var keptHop = hop;
        await using var product = await Product.StartAsync(scratch);
        var (gateway, key) = await product.ServeModelsAsync(upstream);
        var wanted = arguments.List("--lots", LlmLot.Direct, LlmLot.Yarp, LlmLot.Npm, LlmLot.Ours);
        List<LlmLot> lots =
        [
            new(LlmLot.Direct, new(upstream, "/v1/chat/completions"), null, []),
            new(LlmLot.Yarp, new(yarp, "/v1/chat/completions"), hop.Pid, []),
            new(LlmLot.Ours, gateway, product.Pid, [("Authorization", $"Bearer {key}")]),
        ];
        var npm = wanted.Contains(LlmLot.Npm, StringComparer.Ordinal) ? await NpmGateway.StartAsync() : default;
        await using var keptNpm = npm.Child;
        if (npm.Child is not null)
        {
            lots.Add(new(LlmLot.Npm, npm.Url, npm.Child.Pid, NpmGateway.Headers(upstream)));
        }

        lots.RemoveAll(lot => !wanted.Contains(lot.Name, StringComparer.Ordinal));
        var concurrencies = arguments.List("--concurrency", "1", "16", "64", "256").Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToList();
        var answers = arguments.List("--answers", "whole", "streamed").Select(text => text == "streamed").ToList();
        foreach (var lot in lots)
        {
            foreach (var stream in answers)
            {
                await LlmLoad.TakeAsync(scratch, lot, stream, 16, 0, (int)arguments.Number("--warmup", 5));
            }
        }

        var taken = new List<LlmSample>();
        foreach (var stream in answers)
        {
            foreach (var concurrency in concurrencies)
            {
                for (var round = 1; round <= arguments.Number("--rounds", 3); round++)
                {
                    foreach (var lot in lots)
                    {
                        var one = await LlmLoad.TakeAsync(scratch, lot, stream, concurrency, round, (int)arguments.Number("--seconds", 5));
                        taken.Add(one);
                        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{(stream ? "streamed" : "whole")}, {concurrency} callers, round {round}, {lot.Name}: {one.PerSecond:0} requests/s, p50 {one.P50:0.00} ms, p99 {one.P99:0.00} ms, cpu {one.CpuMicroseconds:0} µs"));
                    }
                }
            }
        }

        var report = LlmReport.Write(taken, time, load);
        Console.WriteLine(report);
        if (arguments.Find("--out") is { } file)
        {
            await File.WriteAllTextAsync(file, report);
        }

        return LlmReport.Least(taken) >= LlmReport.Wanted ? 0 : 1;
    }
}
