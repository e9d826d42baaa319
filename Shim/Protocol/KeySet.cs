using System.Buffers;
using System.Text.Json;

namespace Obot.Shim.Protocol;

/// <summary>
/// The keys of one JSON object, to find duplicates. It keeps 64-bit hashes of the unescaped keys: a duplicate is always found; two
/// different keys with one hash would be called a duplicate, which costs only the message that went to such lengths.
/// </summary>
internal ref struct KeySet(Span<ulong> initial)
{
    private readonly Span<ulong> few = initial;
    private int count;
    private HashSet<ulong>? many;

    /// <summary>False when the key was there before.</summary>
    public bool Add(ulong hash)
    {
        if (many is not null)
        {
            return many.Add(hash);
        }

        if (few[..count].Contains(hash))
        {
            return false;
        }

        if (count < few.Length)
        {
            few[count++] = hash;
            return true;
        }

        many = [.. few];
        return many.Add(hash);
    }

    /// <summary>Of the property name under the reader.</summary>
    public static ulong Hash(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped && !reader.HasValueSequence)
        {
            return Hash(reader.ValueSpan);
        }

        var length = reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length;
        if (length <= 256)
        {
            Span<byte> small = stackalloc byte[256];
            return Hash(small[..reader.CopyString(small)]);
        }

        var rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            return Hash(rented.AsSpan(0, reader.CopyString(rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // FNV-1a
    private static ulong Hash(ReadOnlySpan<byte> key)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in key)
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        return hash;
    }
}
