namespace Obot.Benchmarks.Load;

/// <param name="Requests">Answered within the measured time.</param>
/// <param name="AllRequests">Those of the warm-up too.</param>
/// <param name="P50">Microseconds, like <paramref name="P99"/>.</param>
internal sealed record LoadResult(int Requests, int AllRequests, double Seconds, double P50, double P99)
{
    public double PerSecond => Requests / Seconds;
}
