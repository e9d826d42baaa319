namespace Obot.Shim.Guard.Filters.Detectors;

/// <summary>Tells what a machine made up from what a person wrote as an example.</summary>
internal static class Randomness
{
    private static readonly string[] Samples = ["example", "sample", "placeholder", "changeme", "xxxxx", "your", "dummy", "00000", "12345678", "abcdef"];

    /// <summary>Shannon entropy of at least <paramref name="bits"/> a character, and no word of a documentation.</summary>
    public static bool Looks(string text, double bits)
    {
        if (Array.Exists(Samples, sample => text.Contains(sample, StringComparison.OrdinalIgnoreCase)))
        {
            return false;
        }

        return Entropy(text) >= bits;
    }

    public static double Entropy(ReadOnlySpan<char> text)
    {
        Span<int> counts = stackalloc int[128];
        foreach (var c in text)
        {
            counts[c & 127]++;
        }

        var entropy = 0.0;
        foreach (var count in counts)
        {
            if (count > 0)
            {
                var share = (double)count / text.Length;
                entropy -= share * Math.Log2(share);
            }
        }

        return entropy;
    }
}
