using System.Globalization;
using Docker.DotNet.Models;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Hosting.Docker;

/// <summary>Why a container ended, for a person.</summary>
internal static class ContainerEnd
{
    private const int Quoted = 5;
    private const int MaxQuote = 300;

    /// <param name="role"><c>server</c>, <c>guard</c>, <c>installer</c>.</param>
    /// <param name="output">Its last lines.</param>
    public static string Reason(string role, State state, long memoryLimit, IReadOnlyList<OutputLine> output)
    {
        // a shim that could not start says it better than any exit code
        if (output.LastOrDefault(line => line.Event?.Event == ShimEvent.Failed) is { Event.Reason: { } failed })
        {
            return state.OOMKilled ? $"{OutOfMemory(role, memoryLimit)}; {failed}" : failed;
        }

        var cause = state switch
        {
            { OOMKilled: true } => OutOfMemory(role, memoryLimit),
            { Error: { Length: > 0 } error } => $"the {role} could not be started: {error.Trim()}",
            { ExitCode: > 128 and < 160 } => string.Create(CultureInfo.InvariantCulture, $"the {role} was killed by signal {state.ExitCode - 128}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"the {role} exited with code {state.ExitCode}"),
        };
        return cause + LastWords(output);
    }

    public static string LastWords(IReadOnlyList<OutputLine> output)
    {
        var said = output.Select(line => line.Text).OfType<string>().Where(text => text.Length > 0).TakeLast(Quoted).Select(text => text.Length > MaxQuote ? text[..MaxQuote] + "…" : text).ToList();
        return said.Count == 0 ? "; it said nothing" : $"; it last said: {string.Join(" · ", said)}";
    }

    public static string OutOfMemory(string role, long memoryLimit) =>
        string.Create(CultureInfo.InvariantCulture, $"the {role} ran out of memory: it was killed at its limit of {memoryLimit / (1024.0 * 1024):0} MiB (resources.limits.memory of the manifest)");
}
