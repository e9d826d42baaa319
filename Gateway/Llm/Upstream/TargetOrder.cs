using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Upstream;

/// <summary>Who is asked first: lower order before higher, and within one order by the luck of the weights.</summary>
internal static class TargetOrder
{
    public static IReadOnlyList<LlmTarget> Of(IReadOnlyList<LlmTarget> targets, Random random)
    {
        if (targets.Count == 1)
        {
            return targets;
        }

        var ordered = new List<LlmTarget>(targets.Count);
        foreach (var group in targets.Where(target => target.Weight > 0).GroupBy(target => target.Order).OrderBy(group => group.Key))
        {
            var left = group.ToList();
            while (left.Count > 0)
            {
                var at = random.Next(left.Sum(target => target.Weight));
                var chosen = left.First(target => (at -= target.Weight) < 0);
                ordered.Add(chosen);
                left.Remove(chosen);
            }
        }

        return ordered;
    }
}
