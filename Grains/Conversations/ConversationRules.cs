using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations;

/// <summary>What people may write.</summary>
internal static class ConversationRules
{
    private const int MostMessage = 100_000;
    private const int MostTitle = 200;
    private const int MostServers = 100;
    private const int MostFiles = 20;

    public static NewMessage Check(NewMessage message)
    {
        if (string.IsNullOrWhiteSpace(message.Text) || message.Text.Length > MostMessage || message.Text.Contains('\0', StringComparison.Ordinal))
        {
            throw new InvalidInputException("text", $"Must be a text of 1 to {MostMessage} characters.");
        }

        return message.Files is { Count: > MostFiles } ? throw new InvalidInputException("files", $"A message takes {MostFiles} files at most.") : message with { Model = Model(message.Model) };
    }

    public static string? Title(string? title) =>
        title is null || (title.Length <= MostTitle && !title.Any(char.IsControl)) ? title?.Trim() : throw new InvalidInputException("title", $"Must be a text of at most {MostTitle} characters without control characters.");

    /// <summary>Empty is none.</summary>
    public static string? Model(string? model) =>
        model is not { Length: > 0 } ? null : model.Length <= 200 && !model.Any(char.IsControl) ? model : throw new InvalidInputException("model", "Must be the name of a model or an alias.");

    public static string[] Servers(IReadOnlyList<string> servers) =>
        servers.Count <= MostServers && servers.All(id => id.Length is > 0 and <= 100) ? [.. servers.Distinct(StringComparer.Ordinal)] : throw new InvalidInputException("servers", $"Must be ids of at most {MostServers} servers.");

    public static string[] Search(string? search) =>
        search is null ? [] : search.Length <= 100 ? search.Split(' ', StringSplitOptions.RemoveEmptyEntries) : throw new InvalidInputException("search", "Must be a text of at most 100 characters.");
}
