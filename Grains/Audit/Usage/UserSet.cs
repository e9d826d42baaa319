using System.Numerics;

namespace Obot.Grains.Audit.Usage;

/// <summary>Different users, by their numbers: words of 64 bits, of which only those that are not empty are there.</summary>
internal sealed class UserSet
{
    private readonly Dictionary<int, ulong> words = [];

    public int Count => words.Values.Sum(BitOperations.PopCount);

    public IReadOnlyDictionary<int, ulong> Words => words;

    public void Add(int number) => AddWord(number >> 6, 1UL << (number & 63));

    public void AddWord(int index, ulong word) => words[index] = words.GetValueOrDefault(index) | word;

    public void UnionWith(UserSet other)
    {
        foreach (var (index, word) in other.words)
        {
            AddWord(index, word);
        }
    }

    /// <summary>The same users under other numbers.</summary>
    public void Renumber(IReadOnlyList<int> numbers)
    {
        var before = words.ToArray();
        words.Clear();
        foreach (var (index, word) in before)
        {
            for (var rest = word; rest != 0; rest &= rest - 1)
            {
                Add(numbers[(index << 6) + BitOperations.TrailingZeroCount(rest)]);
            }
        }
    }
}
