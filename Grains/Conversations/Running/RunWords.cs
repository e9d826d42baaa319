using System.ClientModel;
using System.Text.Json;
using System.Text.RegularExpressions;
using ModelContextProtocol;

namespace Obot.Grains.Conversations.Running;

/// <summary>What a person is told of an error.</summary>
internal static partial class RunWords
{
    private const int Most = 1000;

    public static string Of(Exception e)
    {
        var words = e switch
        {
            ClientResultException refused => Of(refused),
            McpException or RunFailure => e.Message,
            HttpRequestException => $"The gateway could not be reached: {e.Message}",
            _ => e.Message,
        };
        return words.Length > Most ? words[..Most] + "…" : words;
    }

    /// <summary>The gateway's errors are for people already; those of providers that it passes on have the same form.</summary>
    private static string Of(ClientResultException refused)
    {
        try
        {
            if (refused.GetRawResponse()?.Content is { } body && JsonDocument.Parse(body) is var document && document.RootElement.TryGetProperty("error", out var error))
            {
                return error.ValueKind == JsonValueKind.String ? error.GetString()! : error.TryGetProperty("message", out var message) ? message.GetString() ?? refused.Message : refused.Message;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // not JSON, or a stream: the client's own words have to do
        }

        return Blanks().Replace(refused.Message, " ").Trim();
    }

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Blanks();
}

/// <summary>Why a run cannot go on, and what to do, in words for the person.</summary>
internal sealed class RunFailure(string message) : Exception(message);
