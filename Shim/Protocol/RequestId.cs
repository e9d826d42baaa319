using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Obot.Shim.Protocol;

/// <summary>
/// A JSON-RPC id or a progress token as a key. Numbers and strings are different even when they read alike. Servers parse and
/// write ids anew, so strings are compared unescaped and numbers by value (<c>1.0</c> comes back as <c>1</c>).
/// </summary>
internal readonly record struct RequestId(bool IsString, string Text)
{
    public static RequestId Number(long value) => new(IsString: false, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Of a raw token: digits, or a string with its quotes.</summary>
    public static RequestId Read(ReadOnlySpan<byte> token)
    {
        var reader = new Utf8JsonReader(token);
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return new(IsString: true, JsonText.Read(token, new TokenRange(0, token.Length)) ?? Encoding.Latin1.GetString(token));
        }

        return reader.TryGetInt64(out var integer)
            ? Number(integer)
            : new(IsString: false, reader.GetDouble().ToString("R", CultureInfo.InvariantCulture));
    }

    public static RequestId Read(in ReadOnlySequence<byte> message, TokenRange range)
    {
        var token = message.Slice(range.Start, range.Length);
        return token.IsSingleSegment ? Read(token.FirstSpan) : Read(token.ToArray());
    }
}
