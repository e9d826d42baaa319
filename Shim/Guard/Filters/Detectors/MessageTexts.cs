using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Filters.Detectors;

/// <param name="Value">Unescaped.</param>
/// <param name="Token">Where it is, with its quotes.</param>
/// <param name="IsFixed">It cannot be changed: a key, a name, a URI.</param>
/// <param name="IsIdentifier">Says what the call is about.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MessageText(string Value, TokenRange Token, bool IsFixed, bool IsIdentifier);

/// <summary>The texts of a message's <c>params</c>, <c>result</c> and <c>error</c>: values and keys, however deep. Binary content and what is opaque by the protocol is left out.</summary>
internal static class MessageTexts
{
    private const int Shortest = 6;

    /// <summary>Longer runs of nothing but Base64 are images and the like.</summary>
    private const int Binary = 512;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = EnvelopeReader.MaxDepth };
    private static readonly SearchValues<char> Base64 = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_");

    public static List<MessageText> Read(ReadOnlyMemory<byte> message)
    {
        var texts = new List<MessageText>();
        var reader = new Utf8JsonReader(message.Span, Options);
        var isContent = false;
        var (isOpaque, isIdentifier, isMeta) = (false, false, false);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName)
            {
                if (reader.CurrentDepth == 1)
                {
                    isContent = reader.ValueTextEquals("params"u8) || reader.ValueTextEquals("result"u8) || reader.ValueTextEquals("error"u8);
                }

                isMeta = reader.CurrentDepth == 2 ? reader.ValueTextEquals("_meta"u8) : isMeta && reader.CurrentDepth > 2;
                isOpaque = IsOpaque(ref reader, isMeta);
                isIdentifier = reader.CurrentDepth == 2 && (reader.ValueTextEquals("name"u8) || reader.ValueTextEquals("uri"u8) || reader.ValueTextEquals("taskId"u8));
                if (isContent && reader.CurrentDepth > 1)
                {
                    Add(ref reader, isFixed: true, isIdentifier: false, texts);
                }
            }
            else if (reader.TokenType is JsonTokenType.String && isContent && !isOpaque)
            {
                Add(ref reader, isFixed: isIdentifier, isIdentifier, texts);
            }
            else if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                (isOpaque, isIdentifier) = (false, false);
            }
        }

        return texts;
    }

    /// <summary>A JSON string.</summary>
    public static byte[] Quote(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 16);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStringValue(text);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Add(ref Utf8JsonReader reader, bool isFixed, bool isIdentifier, List<MessageText> texts)
    {
        if (reader.ValueSpan.Length < Shortest)
        {
            return;
        }

        var start = (int)reader.TokenStartIndex;
        var value = Text(ref reader);
        if (value.Length < Binary || value.AsSpan().ContainsAnyExcept(Base64))
        {
            // a key ends with its colon; the token of a key is not replaced
            texts.Add(new(value, new(start, reader.ValueSpan.Length + 2), isFixed, isIdentifier));
        }
    }

    /// <summary>A lone surrogate is no text that a model reads; what is around it is.</summary>
    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return System.Text.Encoding.UTF8.GetString(reader.ValueSpan);
        }
    }

    /// <summary>Made by one side for itself; the other gives it back as it is. Only where the protocol has it: a tool's own 'cursor' is a text like any other.</summary>
    private static bool IsOpaque(ref Utf8JsonReader reader, bool isMeta) => reader.CurrentDepth switch
    {
        2 => reader.ValueTextEquals("requestState"u8) || reader.ValueTextEquals("nextCursor"u8) || reader.ValueTextEquals("cursor"u8) || reader.ValueTextEquals("progressToken"u8),
        3 => isMeta && (reader.ValueTextEquals("progressToken"u8) || reader.ValueTextEquals("traceparent"u8)),
        _ => false,
    };
}
