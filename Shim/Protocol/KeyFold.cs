using System.Text.Json;

namespace Obot.Shim.Protocol;

/// <summary>
/// Keys that some JSON readers take for each other: Go's, among others, ignores case by Unicode's simple folding, and the last one wins.
/// A message with <c>name</c> and <c>Name</c> would be judged by one and carried out by the other.
/// </summary>
internal static class KeyFold
{
    private const int Longest = 64;

    // the only characters beyond ASCII that fold into it
    private const char LongS = '\u017F';
    private const char Kelvin = '\u212A';

    /// <summary>Is the property name under the reader one of these, but not exactly?</summary>
    public static bool Resembles(ref Utf8JsonReader reader, ReadOnlySpan<string> names)
    {
        var length = reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length;
        if (length > Longest)
        {
            // escaped six to one at most: nothing that long is one of ours
            return false;
        }

        Span<char> key = stackalloc char[Longest];
        key = key[..reader.CopyString(key)];
        key.Replace(LongS, 's');
        key.Replace(Kelvin, 'k');
        foreach (var name in names)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return !reader.ValueTextEquals(name);
            }
        }

        return false;
    }
}
