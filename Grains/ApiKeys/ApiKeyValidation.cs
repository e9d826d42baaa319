using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.ApiKeys;

/// <summary>A new key never carries more than the credential that asks for it.</summary>
internal static class ApiKeyValidation
{
    private const int MaxName = 100;
    private const int MaxServers = 500;

    /// <summary>The scopes of the new key.</summary>
    /// <exception cref="InvalidInputException">Names the field and what is allowed.</exception>
    public static string[] Check(Principal caller, NewApiKey request, DateTimeOffset now)
    {
        if (string.IsNullOrWhiteSpace(request.Name) || request.Name.Length > MaxName || request.Name.Any(char.IsControl))
        {
            throw new InvalidInputException("name", $"Must be a text of 1 to {MaxName} characters without control characters.");
        }

        if (request.ExpiresAt <= now)
        {
            throw new InvalidInputException("expiresAt", "Must lie in the future (RFC 3339), or be left out for a key that does not expire.");
        }

        CheckServers(caller, request.McpServerIDs);
        return CheckScopes(caller, request.Scopes ?? [Scopes.Mcp]);
    }

    private static string[] CheckScopes(Principal caller, IReadOnlyList<string> scopes)
    {
        if (scopes.Count == 0)
        {
            throw new InvalidInputException("scopes", $"Must name at least one of {Text(Scopes.All)}, or be left out for 'mcp'.");
        }

        for (var i = 0; i < scopes.Count; i++)
        {
            if (!Scopes.All.Contains(scopes[i], StringComparer.Ordinal))
            {
                throw new InvalidInputException($"scopes[{i}]", $"There is no scope '{scopes[i]}'. Allowed: {Text(Scopes.All)}.");
            }

            if (!caller.Has(scopes[i]))
            {
                throw new InvalidInputException($"scopes[{i}]", $"A key cannot carry more than the credential that makes it. Allowed here: {Text(caller.Scopes)}.");
            }
        }

        return [.. scopes.Distinct(StringComparer.Ordinal)];
    }

    private static void CheckServers(Principal caller, IReadOnlyList<string>? serverIds)
    {
        if (serverIds is null && caller.ServerIds is not null)
        {
            throw new InvalidInputException("mcpServerIDs", $"The credential that makes the key reaches some servers only; name some of {Text(caller.ServerIds)}.");
        }

        if (serverIds is { Count: 0 or > MaxServers })
        {
            throw new InvalidInputException("mcpServerIDs", $"Must name 1 to {MaxServers} servers, or be left out for all.");
        }
    }

    private static string Text(IEnumerable<string> values) => string.Join(", ", values.Select(value => $"'{value}'"));
}
