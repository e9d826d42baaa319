using Obot.Grains.Abstractions.Llm;

namespace Obot.Chat.Conversations;

/// <summary>Models that a person may choose from.</summary>
/// <param name="Names">Aliases first.</param>
public sealed record ChatModels(IReadOnlyList<LlmListing> Names)
{
    public static ChatModels None { get; } = new([]);

    public bool IsEmpty => Names.Count == 0;

    public static ChatModels Of(IEnumerable<LlmListing> visible) => new([.. visible.Where(model => model.Usage is ModelUsages.Chat or ModelUsages.Vision)]);

    /// <summary>The first of those asked for that there is; else the alias of the platform's choice, else the first.</summary>
    public string? Choose(params ReadOnlySpan<string?> asked)
    {
        foreach (var name in asked)
        {
            if (name is not null && Has(name))
            {
                return name;
            }
        }

        return Has(ModelUsages.Chat) ? ModelUsages.Chat : (Names is [var first, ..] ? first.Name : null);
    }

    private bool Has(string name) => Names.Any(model => model.Name == name);
}
