using System.Buffers;
using System.Text.Json;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Lists;

/// <summary>
/// Takes the tools that a caller may not use out of an answer to <c>tools/list</c>. The bytes of everything else stay as they were, but for
/// <c>cacheScope</c> (revision 2026-07-28, "Caching"), which becomes <c>private</c>: the list is this caller's own.
/// </summary>
internal static class ToolListFilter
{
    private const int KeysOnStack = 24;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = EnvelopeReader.MaxDepth };
    private static readonly byte[] Private = "\"private\""u8.ToArray();
    private static readonly byte[] BeginPrivate = "{\"cacheScope\":\"private\","u8.ToArray();

    /// <summary>The message without those tools; the same memory when it is no answer with tools.</summary>
    /// <param name="modern">Adds <c>cacheScope</c> where the server sent none, which would mean <c>public</c>.</param>
    /// <exception cref="UnfilterableException">It is not one JSON object, or two readers could read different tools out of it.</exception>
    public static ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> message, ToolPatterns tools, bool modern)
    {
        try
        {
            return Read(message, tools, modern);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UnfilterableException("it is not valid JSON");
        }
    }

    private static ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> message, ToolPatterns tools, bool modern)
    {
        var reader = new Utf8JsonReader(message.Span, Options);
        reader.Read();
        if (reader.TokenType is not JsonTokenType.StartObject)
        {
            throw new UnfilterableException("it is not one JSON object");
        }

        var edits = new List<Splice.Edit>(3);
        var keys = new KeySet(stackalloc ulong[KeysOnStack]);
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            ThrowUnless(keys.Add(KeySet.Hash(ref reader)));
            var isResult = reader.ValueTextEquals("result"u8);
            reader.Read();
            if (isResult && reader.TokenType is JsonTokenType.StartObject)
            {
                ReadResult(ref reader, message, tools, modern, edits);
            }
            else
            {
                reader.Skip();
            }
        }

        // throws on anything but white space after the object
        reader.Read();
        return edits.Count == 0 ? message : Splice.Apply(new ReadOnlySequence<byte>(message), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(edits));
    }

    private static void ReadResult(ref Utf8JsonReader reader, ReadOnlyMemory<byte> message, ToolPatterns tools, bool modern, List<Splice.Edit> edits)
    {
        var start = (int)reader.TokenStartIndex;
        TokenRange scope = default, list = default;
        byte[] kept = [];
        var keys = new KeySet(stackalloc ulong[KeysOnStack]);
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            ThrowUnless(keys.Add(KeySet.Hash(ref reader)));
            var (isTools, isScope) = (reader.ValueTextEquals("tools"u8), reader.ValueTextEquals("cacheScope"u8));
            reader.Read();
            var from = (int)reader.TokenStartIndex;
            if (isTools && reader.TokenType is not JsonTokenType.Null)
            {
                kept = ReadTools(ref reader, message.Span, tools);
                list = new(from, (int)reader.BytesConsumed - from);
                continue;
            }

            reader.Skip();
            scope = isScope ? new(from, (int)reader.BytesConsumed - from) : scope;
        }

        if (!list.Present)
        {
            return;
        }

        edits.Add(new(list, kept));
        if (scope.Present)
        {
            edits.Add(new(scope, Private));
        }
        else if (modern)
        {
            edits.Add(new(new(start, 1), BeginPrivate));
        }
    }

    /// <summary>The array with the allowed tools only, each as it was written.</summary>
    private static byte[] ReadTools(ref Utf8JsonReader reader, ReadOnlySpan<byte> message, ToolPatterns tools)
    {
        if (reader.TokenType is not JsonTokenType.StartArray)
        {
            throw new UnfilterableException("its 'tools' are no array");
        }

        var kept = new ArrayBufferWriter<byte>(1024);
        kept.Write("["u8);
        while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            var name = ReadName(ref reader);
            if (name is not null && tools.Allows(name))
            {
                if (kept.WrittenCount > 1)
                {
                    kept.Write(","u8);
                }

                kept.Write(message[start..(int)reader.BytesConsumed]);
            }
        }

        kept.Write("]"u8);
        return kept.WrittenSpan.ToArray();
    }

    /// <summary>Null for what has no single name.</summary>
    private static string? ReadName(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        string? name = null;
        var names = 0;
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var isName = reader.ValueTextEquals("name"u8);
            reader.Read();
            if (isName)
            {
                names++;
                name = reader.TokenType is JsonTokenType.String ? reader.GetString() : null;
            }

            reader.Skip();
        }

        return names == 1 ? name : null;
    }

    private static void ThrowUnless(bool unique)
    {
        if (!unique)
        {
            throw new UnfilterableException("a key appears twice in it");
        }
    }
}

/// <summary>An answer that cannot be shown, because nobody can say which tools are in it; the message says why.</summary>
internal sealed class UnfilterableException(string message) : Exception(message);
