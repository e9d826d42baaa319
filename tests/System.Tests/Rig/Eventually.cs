using System.Diagnostics;

namespace Obot.SystemTests.Rig;

/// <summary>Waits for what another process does in its own time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Reads until the value is good. The time-out names the entity, the phase and what was read last.</summary>
    public static async Task<T> ReadAsync<T>(string entity, string phase, TimeSpan limit, Func<Task<T>> read, Func<T, bool> good)
    {
        var clock = Stopwatch.StartNew();
        object? last = null;
        while (true)
        {
            try
            {
                var value = await read();
                if (good(value))
                {
                    return value;
                }

                last = value;
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or UnauthorizedAccessException)
            {
                last = exception.Message;
            }

            if (clock.Elapsed > limit)
            {
                throw new TimeoutException($"{entity}: not '{phase}' after {limit.TotalSeconds:0.#} s; last seen: {last}");
            }

            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }

    public static Task TrueAsync(string entity, string phase, TimeSpan limit, Func<bool> condition) =>
        ReadAsync(entity, phase, limit, () => Task.FromResult(condition()), value => value);
}
