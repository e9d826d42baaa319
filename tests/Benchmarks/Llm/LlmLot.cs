namespace Obot.Benchmarks.Llm;

/// <summary>One way to the same model.</summary>
/// <param name="Pid">Process of the hop; null where there is none.</param>
/// <param name="Headers">Beside the content type.</param>
internal sealed record LlmLot(string Name, Uri Url, int? Pid, IReadOnlyList<(string Name, string Value)> Headers)
{
    public const string Direct = "direct";
    public const string Yarp = "one YARP";
    public const string Npm = "npm gateway";
    public const string Ours = "LLM gateway";

    public static string Body(bool stream) => $$"""{"model":"bench","messages":[{"role":"user","content":"{{new string('x', 1000)}}"}],"max_tokens":200,"stream":{{(stream ? "true" : "false")}}}""";
}

/// <param name="FirstToken">Milliseconds until the first bytes of a stream, median, of one more client beside the load.</param>
/// <param name="CpuMicroseconds">Processor time of the hop for one request.</param>
internal sealed record LlmSample(string Lot, bool Stream, int Concurrency, int Round, double PerSecond, double P50, double P99, double? FirstToken, double CpuMicroseconds, long ResidentBytes);
