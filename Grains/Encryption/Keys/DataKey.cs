namespace Obot.Grains.Encryption.Keys;

/// <summary>A data key in memory.</summary>
internal sealed class DataKey(string id, byte[] material, bool isRetired, long unwrappedAt)
{
    private long unwrappedAt = unwrappedAt;
    private string? refusal;

    public string Id { get; } = id;

    public ulong Number { get; } = SealedFormat.KeyNumber(id);

    public byte[] Material { get; } = material;

    /// <summary>Nothing of this database should need it any more; forgotten instead of asked for again.</summary>
    public bool IsRetired { get; } = isRetired;

    /// <summary>Timestamp of the KMS' last consent.</summary>
    public long UnwrappedAt => Volatile.Read(ref unwrappedAt);

    /// <summary>Why the KMS refuses it now; null while it does not.</summary>
    public string? Refusal => Volatile.Read(ref refusal);

    public void Granted(long at)
    {
        Volatile.Write(ref unwrappedAt, at);
        Volatile.Write(ref refusal, null);
    }

    public void Refused(string reason) => Volatile.Write(ref refusal, reason);
}
