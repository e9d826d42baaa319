using System.Text.RegularExpressions;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Filters.Detectors;

/// <summary>Searches the texts of a message. What is found rejects it, or is masked where the filter may change messages.</summary>
/// <param name="scansIdentifiers">Also searches names and URIs, which nobody may change: what is found there rejects.</param>
internal sealed class Detector(IReadOnlyList<DetectorRule> rules, bool scansIdentifiers) : IMessageFilter
{
    public ValueTask<FilterVerdict> JudgeAsync(FilterSubject subject, ReadOnlyMemory<byte> message, bool mayMutate, CancellationToken cancellationToken)
    {
        var found = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var edits = new List<Splice.Edit>();
        var isFixed = false;
        try
        {
            foreach (var text in MessageTexts.Read(message))
            {
                if (text.IsIdentifier && !scansIdentifiers)
                {
                    continue;
                }

                var masked = Mask(text.Value, found);
                if (!ReferenceEquals(masked, text.Value))
                {
                    isFixed |= text.IsFixed;
                    edits.Add(new(text.Token, MessageTexts.Quote(masked)));
                }
            }
        }
        catch (RegexMatchTimeoutException)
        {
            throw new FilterFault("searching its texts took too long");
        }

        if (found.Count == 0)
        {
            return new(FilterVerdict.Accepted);
        }

        var what = string.Join(", ", found.Select(one => $"{one.Key} ({one.Value})"));
        return new(mayMutate && !isFixed
            ? new(FilterOutcomes.Mutated, $"masked: {what}", Splice.Apply(new(message), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(edits)))
            : FilterVerdict.Rejected($"it contains: {what}"));
    }

    /// <summary>The same text when nothing is in it. Rules come in the order of their precision: what one masked, the next one does not see.</summary>
    private string Mask(string text, SortedDictionary<string, int> found)
    {
        foreach (var rule in rules)
        {
            if (!rule.MayBeIn(text))
            {
                continue;
            }

            var matches = rule.Find(text).ToList();
            for (var i = matches.Count - 1; i >= 0; i--)
            {
                text = string.Concat(text.AsSpan(0, matches[i].Start), $"[REDACTED:{rule.Id}]", text.AsSpan(matches[i].Start + matches[i].Length));
                found[rule.Name] = found.GetValueOrDefault(rule.Name) + 1;
            }
        }

        return text;
    }
}
