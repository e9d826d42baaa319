namespace Obot.Grains.Abstractions.LocalAccounts;

/// <summary>
/// Counts attempts to guess a password; one activation in the cluster, so the count is right whichever silo the attempts come to. In
/// memory: it is forgotten with its silo and after an hour without attempts. Key: kind, <c>:</c>, and what is counted.
/// </summary>
public interface IAttemptsGrain : IGrainWithStringKey
{
    /// <summary>
    /// Counts one attempt as failed until <see cref="Succeeded"/> or <see cref="Forgive"/>. Zero: it may go on. Positive: nobody is heard for so long, and asking
    /// in between does not make it longer.
    /// </summary>
    /// <param name="free">Attempts before the first delay.</param>
    [Alias("Begin")]
    Task<TimeSpan> Begin(int free);

    /// <summary>The last attempt was a good one: it does not count, what failed before it does.</summary>
    [Alias("Forgive")]
    Task Forgive();

    /// <summary>Forgets everything.</summary>
    [Alias("Succeeded")]
    Task Succeeded();
}
