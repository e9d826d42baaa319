namespace Obot.Shim.Guard.Limits;

/// <summary>What one user, or everybody together, has in hand.</summary>
internal sealed class CallerLoad
{
    private const int Closed = int.MinValue;

    private int inHand;

    public RateGate Rate { get; } = new();

    public bool IsClosed => Volatile.Read(ref inHand) < 0;

    /// <param name="limit">0 for none.</param>
    public bool TryEnter(int limit)
    {
        while (true)
        {
            var known = Volatile.Read(ref inHand);
            if (known < 0 || (limit > 0 && known >= limit))
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref inHand, known + 1, known) == known)
            {
                return true;
            }
        }
    }

    public void Leave() => Interlocked.Decrement(ref inHand);

    /// <summary>Nobody is in and nobody gets in any more: it can be forgotten.</summary>
    public bool TryClose(long now) => Rate.IsFull(now) && Interlocked.CompareExchange(ref inHand, Closed, 0) == 0;
}
