namespace Obot.Benchmarks.Lots;

/// <summary>The governed path with a filter in it, each on a server of its own, so that no lot pays for another one's filters.</summary>
internal static class FilteredLots
{
    public static async Task<IReadOnlyList<Lot>> ServeAsync(Product product, Uri echo, Uri hook, IReadOnlyList<string> wanted)
    {
        var lots = new List<Lot>();
        foreach (var (name, filters) in (IEnumerable<(string, object[])>)
            [
                (Lot.WebhookOnRequests, [new { name = "hook", url = new Uri(hook, "/hook"), secret = "bench", sides = new[] { "request" } }]),
                (Lot.WebhookOnBoth, [new { name = "hook", url = new Uri(hook, "/hook"), secret = "bench" }]),
                (Lot.BuiltIn, [new { name = "secrets", kind = "secrets" }, new { name = "pii", kind = "pii", allowedToMutate = true }, new { name = "injection", kind = "promptInjection" }]),
            ])
        {
            if (wanted.Contains(name))
            {
                lots.Add(await product.ServeFilteredAsync(name, echo, filters));
            }
        }

        return lots;
    }
}
