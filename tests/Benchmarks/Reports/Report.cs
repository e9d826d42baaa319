using System.Globalization;
using System.Text;
using Obot.Benchmarks.Identity;
using Obot.Benchmarks.Lots;
using Obot.Benchmarks.Shims;
using Obot.Benchmarks.Storage;

namespace Obot.Benchmarks.Reports;

/// <summary>The run as Markdown.</summary>
internal static class Report
{
    public static string Write(IReadOnlyList<Measurement> taken, ShimFigure guard, ShimFigure bridge, long? guardInProduct, StorageFigure? storage, IdentityFigure? identity, IReadOnlyList<Judgement> judgements, TimeProvider time)
    {
        var text = new StringBuilder();
        Line(text, $"""
            # Benchmarks

            Written by `./obot bench` on {time.GetUtcNow():yyyy-MM-dd}, {Environment.ProcessorCount} cores. A client on this machine calls a tool of an HTTP MCP server that
            echoes 1 KB (`tools/call`, revision 2026-07-28), straight or through hops; all lots are up at the same time and take turns,
            {taken.Select(one => one.Round).Distinct().Count()} rounds. Figures are medians of the rounds; a ratio is taken within each round first. Trust the ratios, not the digits.

            `two YARP` is the yardstick: two processes with Kestrel and YARP's forwarder, the silo's runtime settings and nothing else. `gateway + guard` is the product:
            API key, route, assertion, the guard's envelope, policy and audit steps, for a caller whom one of {RuleSet.Count} access rules lets use some
            tools, so that each call is judged by its name. Lots with `…` are the same path with something more: a header that the guard exchanged for
            the caller, or filters on every message. CPU is the processor time of the hops for one request.

            ## Bounds

            | | bound | this run | |
            |---|---|---|---|
            """);
        foreach (var judgement in judgements)
        {
            Line(text, $"| {judgement.What} | {judgement.Bound} | {judgement.Figure} | {(judgement.IsMet ? "met" : "**missed**")} |");
        }

        foreach (var concurrency in taken.Select(one => one.Concurrency).Distinct())
        {
            Line(text, $"""

                ## Concurrency {concurrency}

                | lot | requests/s | p50 µs | p99 µs | CPU µs | requests/s × direct | requests/s × two YARP | p50 × two YARP |
                |---|--:|--:|--:|--:|--:|--:|--:|
                """);
            foreach (var lot in taken.Select(one => one.Lot).Distinct(StringComparer.Ordinal))
            {
                Line(text, $"| {lot} | {taken.Median(lot, concurrency, one => one.Load.PerSecond):0} | {taken.Median(lot, concurrency, one => one.Load.P50):0} | {taken.Median(lot, concurrency, one => one.Load.P99):0} | {taken.Median(lot, concurrency, one => one.CpuMicroseconds):0} | {taken.Ratio(lot, Lot.Direct, concurrency, one => one.Load.PerSecond):0.00} | {taken.Ratio(lot, Lot.TwoYarp, concurrency, one => one.Load.PerSecond):0.00} | {taken.Ratio(lot, Lot.TwoYarp, concurrency, one => one.Load.P50):0.00} |");
            }
        }

        Line(text, $"""

            ## Guard and bridge

            | | start to ready, ms | idle, MB |
            |---|--:|--:|
            | guard | {guard.ReadyMilliseconds:0} | {guard.IdleBytes / 1e6:0.0} |
            | bridge (package installed; a small Node.js server's own start included) | {bridge.ReadyMilliseconds:0} | {bridge.IdleBytes / 1e6:0.0} |
            """);
        if (guardInProduct is { } bytes)
        {
            Line(text, $"""

                The guard of the product, its control channel connected: {bytes / 1e6:0.0} MB.
                """);
        }

        if (storage is not null)
        {
            Line(text, $"""

                ## Grain writes

                64 grains write 1 KB of state each, one after the other, into the product's PostgreSQL (fsync on). To encrypt and decrypt 1 KB takes {storage.Microseconds:0.0} µs.

                | | writes/s |
                |---|--:|
                | plain | {storage.PlainPerSecond:0} |
                | encrypted | {storage.EncryptedPerSecond:0} |
                """);
        }

        if (identity is not null)
        {
            Line(text, $"""

                ## Sign-in and tokens

                One silo issues {identity.TokensPerSecond:0} access tokens a second to a service account, whose secret is checked by a slow hash each time. Signing in by a
                one-time link, from the sign-in page to the first page behind it, takes {identity.SignInMilliseconds:0} ms (median).
                """);
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
