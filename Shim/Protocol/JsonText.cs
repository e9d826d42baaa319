using System.Text.Json;

namespace Obot.Shim.Protocol;

/// <summary>Decodes single tokens of a message.</summary>
internal static class JsonText
{
    /// <summary>The unescaped string, or null when the token is absent, no string or not decodable.</summary>
    public static string? Read(ReadOnlySpan<byte> message, TokenRange range)
    {
        if (!range.Present)
        {
            return null;
        }

        var reader = new Utf8JsonReader(message.Slice(range.Start, range.Length));
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
