using System.Text.Json;

namespace Obot.Gateway.Audit;

/// <summary>The gateway refused a request itself: why, and what little is known of the message.</summary>
internal sealed record Refusal(string Message, string? Method, string? Identifier)
{
    /// <param name="body">What was read of it; may be cut, or nothing.</param>
    public static Refusal Of(string message, ReadOnlySpan<byte> body)
    {
        string? method = null, name = null;
        try
        {
            var reader = new Utf8JsonReader(body);
            while (reader.Read())
            {
                if (reader.TokenType is not JsonTokenType.PropertyName)
                {
                    continue;
                }

                if (reader.CurrentDepth == 1 && reader.ValueTextEquals("method"u8))
                {
                    reader.Read();
                    method = reader.TokenType is JsonTokenType.String ? reader.GetString() : null;
                }
                else if (reader.CurrentDepth == 1 && !reader.ValueTextEquals("params"u8))
                {
                    reader.Read();
                    reader.TrySkip();
                }
                else if (reader.CurrentDepth == 2)
                {
                    var isName = reader.ValueTextEquals("name"u8) || reader.ValueTextEquals("uri"u8);
                    reader.Read();
                    name = isName && reader.TokenType is JsonTokenType.String ? reader.GetString() : name;
                    reader.TrySkip();
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // what was read until here is what is known
        }

        return new(message, method, name);
    }
}
