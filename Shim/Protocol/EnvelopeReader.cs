using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace Obot.Shim.Protocol;

/// <summary>
/// Reads the envelope of a JSON-RPC message in one pass over its bytes. The whole message is checked for well-formedness, so what
/// is forwarded is JSON; a message that two parsers could read differently (duplicate keys) is refused.
/// </summary>
internal static class EnvelopeReader
{
    public const int MaxDepth = 256;

    private const int KeysOnStack = 24;

    private static readonly string[] RootKeys = ["jsonrpc", "id", "method", "params"];
    private static readonly string[] ParamsKeys = ["name", "uri", "taskId", "arguments", "_meta"];

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    public static JsonRpcEnvelope Read(ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8))
        {
            return new JsonRpcEnvelope { Fault = EnvelopeFault.Syntax };
        }

        var reader = new Utf8JsonReader(utf8, isFinalBlock: true, new JsonReaderState(Options));
        return Read(ref reader);
    }

    /// <summary>As above; UTF-8 inside of string values is not validated unless the sequence is one segment.</summary>
    public static JsonRpcEnvelope Read(in ReadOnlySequence<byte> utf8)
    {
        if (utf8.IsSingleSegment)
        {
            return Read(utf8.FirstSpan);
        }

        var reader = new Utf8JsonReader(utf8, isFinalBlock: true, new JsonReaderState(Options));
        return Read(ref reader);
    }

    private static JsonRpcEnvelope Read(ref Utf8JsonReader reader)
    {
        var envelope = default(JsonRpcEnvelope);
        try
        {
            ReadRoot(ref reader, ref envelope);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate in a name that had to be decoded
            envelope = new JsonRpcEnvelope { Fault = EnvelopeFault.Syntax };
        }

        return envelope;
    }

    private static void ReadRoot(ref Utf8JsonReader reader, ref JsonRpcEnvelope envelope)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            envelope.Kind = EnvelopeKind.Batch;
            return;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            envelope.Fault = EnvelopeFault.Shape;
            return;
        }

        var hasMethod = false;
        var oddMember = false;
        var keys = new KeySet(stackalloc ulong[KeysOnStack]);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!keys.Add(KeySet.Hash(ref reader)))
            {
                envelope = new JsonRpcEnvelope { Fault = EnvelopeFault.DuplicateKey };
                return;
            }

            if (reader.ValueTextEquals("jsonrpc"u8))
            {
                reader.Read();
                envelope.IsVersion2 = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("2.0"u8);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                envelope.IdKind = KindOf(reader.TokenType);
                oddMember |= envelope.IdKind == IdKind.Absent;
                envelope.Id = envelope.IdKind is IdKind.Number or IdKind.String ? Range(ref reader) : default;
                reader.Skip();
            }
            else if (reader.ValueTextEquals("method"u8))
            {
                reader.Read();
                hasMethod = true;
                if (reader.TokenType == JsonTokenType.String)
                {
                    envelope.Method = McpMethods.Read(ref reader);
                }

                reader.Skip();
            }
            else if (reader.ValueTextEquals("params"u8))
            {
                reader.Read();
                if (!ReadParams(ref reader, ref envelope))
                {
                    envelope = new JsonRpcEnvelope { Fault = EnvelopeFault.DuplicateKey };
                    return;
                }
            }
            else if (reader.ValueTextEquals("result"u8))
            {
                reader.Read();
                envelope.HasResult = true;
                ReadResult(ref reader, ref envelope);
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                envelope.HasError = true;
                ReadError(ref reader, ref envelope);
            }
            else
            {
                envelope.HasLookalike |= KeyFold.Resembles(ref reader, RootKeys);
                reader.Skip();
            }
        }

        // throws on anything but white space after the object
        reader.Read();
        Classify(ref envelope, hasMethod, oddMember);
    }

    private static void Classify(ref JsonRpcEnvelope envelope, bool hasMethod, bool oddMember)
    {
        var hasOutcome = envelope.HasResult || envelope.HasError;
        var kind = (hasMethod, hasOutcome) switch
        {
            _ when oddMember => EnvelopeKind.Invalid,
            (true, false) when envelope.Method is null => EnvelopeKind.Invalid,
            (true, false) when envelope.IdKind == IdKind.Absent => EnvelopeKind.Notification,
            (true, false) when envelope.IdKind == IdKind.Null => EnvelopeKind.Invalid,
            (true, false) => EnvelopeKind.Request,
            (false, true) when !(envelope.HasResult && envelope.HasError) && envelope.IdKind != IdKind.Absent => EnvelopeKind.Response,
            _ => EnvelopeKind.Invalid,
        };
        envelope.Kind = kind;
        envelope.Fault = kind == EnvelopeKind.Invalid ? EnvelopeFault.Shape : EnvelopeFault.None;
    }

    private static bool ReadParams(ref Utf8JsonReader reader, ref JsonRpcEnvelope envelope)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return true;
        }

        var keys = new KeySet(stackalloc ulong[KeysOnStack]);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!keys.Add(KeySet.Hash(ref reader)))
            {
                return false;
            }

            if (reader.ValueTextEquals("_meta"u8))
            {
                reader.Read();
                if (!ReadMeta(ref reader, ref envelope))
                {
                    return false;
                }
            }
            else if (reader.ValueTextEquals("name"u8))
            {
                envelope.Name = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("arguments"u8))
            {
                envelope.Arguments = ReadObject(ref reader);
            }
            else if (reader.ValueTextEquals("uri"u8))
            {
                envelope.Uri = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("taskId"u8))
            {
                envelope.TaskId = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("requestId"u8))
            {
                envelope.RequestId = ReadIdentifier(ref reader);
            }
            else if (reader.ValueTextEquals("progressToken"u8))
            {
                envelope.ProgressOf = ReadIdentifier(ref reader);
            }
            else if (reader.ValueTextEquals("protocolVersion"u8))
            {
                envelope.InitializeVersion = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("clientInfo"u8))
            {
                envelope.ClientInfo = ReadObject(ref reader);
            }
            else
            {
                envelope.HasLookalike |= KeyFold.Resembles(ref reader, ParamsKeys);
                reader.Skip();
            }
        }

        return true;
    }

    private static bool ReadMeta(ref Utf8JsonReader reader, ref JsonRpcEnvelope envelope)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return true;
        }

        var keys = new KeySet(stackalloc ulong[KeysOnStack]);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!keys.Add(KeySet.Hash(ref reader)))
            {
                return false;
            }

            if (reader.ValueTextEquals("progressToken"u8))
            {
                envelope.ProgressToken = ReadIdentifier(ref reader);
            }
            else if (reader.ValueTextEquals("io.modelcontextprotocol/protocolVersion"u8))
            {
                envelope.ProtocolVersion = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("io.modelcontextprotocol/clientCapabilities"u8))
            {
                envelope.HasClientCapabilities = ReadObject(ref reader).Present;
            }
            else if (reader.ValueTextEquals("io.modelcontextprotocol/clientInfo"u8))
            {
                envelope.ClientInfo = ReadObject(ref reader);
            }
            else if (reader.ValueTextEquals("io.modelcontextprotocol/subscriptionId"u8))
            {
                envelope.SubscriptionId = ReadIdentifier(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return true;
    }

    private static void ReadResult(ref Utf8JsonReader reader, ref JsonRpcEnvelope envelope)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("protocolVersion"u8))
            {
                envelope.ResultVersion = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("_meta"u8))
            {
                reader.Read();
                ReadResultMeta(ref reader, ref envelope);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static void ReadResultMeta(ref Utf8JsonReader reader, ref JsonRpcEnvelope envelope)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("io.modelcontextprotocol/subscriptionId"u8))
            {
                envelope.SubscriptionId = ReadIdentifier(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static void ReadError(ref Utf8JsonReader reader, ref JsonRpcEnvelope envelope)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isCode = reader.ValueTextEquals("code"u8);
            reader.Read();
            if (isCode && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var code))
            {
                envelope.ErrorCode = code;
            }

            reader.Skip();
        }
    }

    private static TokenRange ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        var range = reader.TokenType == JsonTokenType.String ? Range(ref reader) : default;
        reader.Skip();
        return range;
    }

    private static TokenRange ReadObject(ref Utf8JsonReader reader)
    {
        reader.Read();
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        var start = checked((int)reader.TokenStartIndex);
        reader.Skip();
        return isObject ? new TokenRange(start, checked((int)reader.BytesConsumed) - start) : default;
    }

    private static TokenRange ReadIdentifier(ref Utf8JsonReader reader)
    {
        reader.Read();
        var range = reader.TokenType is JsonTokenType.String or JsonTokenType.Number ? Range(ref reader) : default;
        reader.Skip();
        return range;
    }

    private static TokenRange Range(ref Utf8JsonReader reader)
    {
        var start = checked((int)reader.TokenStartIndex);
        return new TokenRange(start, checked((int)reader.BytesConsumed) - start);
    }

    private static IdKind KindOf(JsonTokenType type) => type switch
    {
        JsonTokenType.Null => IdKind.Null,
        JsonTokenType.Number => IdKind.Number,
        JsonTokenType.String => IdKind.String,
        _ => IdKind.Absent,
    };
}
