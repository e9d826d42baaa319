namespace Obot.Gateway.Authentication;

/// <summary>What one user has open on this silo.</summary>
internal sealed class UserLoad
{
    private int open;

    public bool TryEnter(int limit)
    {
        if (Interlocked.Increment(ref open) <= limit)
        {
            return true;
        }

        Interlocked.Decrement(ref open);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref open);
}
