namespace Obot.Grains.Conversations;

/// <summary>A title out of the first thing that was said.</summary>
internal static class ConversationTitle
{
    private const int Most = 60;

    public static string Of(string message)
    {
        var line = message.AsSpan().Trim();
        var end = line.IndexOfAny('\r', '\n');
        line = end < 0 ? line : line[..end].TrimEnd();
        if (line.Length <= Most)
        {
            return line.ToString();
        }

        var cut = line[..Most];
        var blank = cut.LastIndexOf(' ');
        return string.Concat(cut[..(blank > Most / 2 ? blank : Most)].TrimEnd(), "…");
    }
}
