using System.Buffers;
using System.Text;

namespace Obot.Shim.Guard.Audit;

/// <summary>
/// Reads an answer as it passes, in whatever pieces: is it JSON-RPC's <c>result</c> or <c>error</c>, and did it go well? It keeps a few
/// numbers and at most <see cref="MaxMessage"/> bytes of the error's message; it does not check that it is valid JSON, it only counts brackets.
/// </summary>
internal sealed class AnswerScanner
{
    public const int MaxMessage = 500;
    private const int MaxKey = 16;

    private static readonly SearchValues<byte> InString = SearchValues.Create("\"\\"u8);
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[]"u8);

    private readonly byte[] key = new byte[MaxKey];
    private byte[]? message;
    private int keyLength;
    private int messageLength;
    private int depth;
    private bool inString;
    private bool escaped;
    private bool keyNext;
    private bool outerIsObject;
    private bool innerIsObject;
    private Capture capture;
    private Part section;
    private Part member;

    private enum Capture
    {
        None,
        Key,
        Message,
    }

    private enum Part
    {
        Other,
        Result,
        Error,
        Code,
        Message,
        IsError,
    }

    /// <summary>A member <c>result</c> or <c>error</c> of the message itself was met.</summary>
    public bool IsAnswer { get; private set; }

    /// <summary>It is a JSON-RPC error.</summary>
    public bool HasError { get; private set; }

    public long ErrorCode { get; private set; }

    /// <summary>The tool says of its own result that it is an error.</summary>
    public bool IsToolError { get; private set; }

    /// <summary>Message of the error, unescaped; empty where there is none.</summary>
    public string ErrorMessage
    {
        get
        {
            if (messageLength == 0)
            {
                return "";
            }

            try
            {
                var reader = new System.Text.Json.Utf8JsonReader([(byte)'"', .. Whole(message.AsSpan(0, messageLength)), (byte)'"']);
                return reader.Read() ? reader.GetString()! : "";
            }
            catch (Exception e) when (e is System.Text.Json.JsonException or InvalidOperationException)
            {
                return Encoding.UTF8.GetString(message!, 0, messageLength);
            }
        }
    }

    public void Reset()
    {
        (keyLength, messageLength, depth, ErrorCode) = (0, 0, 0, 0);
        (inString, escaped, keyNext, outerIsObject, innerIsObject) = (false, false, false, false, false);
        (IsAnswer, HasError, IsToolError) = (false, false, false);
        (capture, section, member) = (Capture.None, Part.Other, Part.Other);
    }

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = inString ? Text(bytes) : depth > 2 ? Deep(bytes) : Shallow(bytes);
        }
    }

    /// <summary>A cut text must not end within an escape or a character.</summary>
    private static ReadOnlySpan<byte> Whole(ReadOnlySpan<byte> text)
    {
        if (text.Length < MaxMessage)
        {
            return text;
        }

        var end = text.Length;
        while (end > 0 && (text[end - 1] & 0xC0) == 0x80)
        {
            end--;
        }

        end -= end > 0 && text[end - 1] >= 0xC0 ? 1 : 0;
        var escape = text[..end].LastIndexOf((byte)'\\');
        return text[..(escape >= 0 && escape > end - 7 ? (escape > 0 && text[escape - 1] == '\\' ? escape + 1 : escape) : end)];
    }

    private ReadOnlySpan<byte> Text(ReadOnlySpan<byte> bytes)
    {
        if (escaped)
        {
            escaped = false;
            Keep(bytes[..1]);
            return bytes[1..];
        }

        var end = bytes.IndexOfAny(InString);
        Keep(end < 0 ? bytes : bytes[..end]);
        if (end < 0)
        {
            return default;
        }

        if (bytes[end] == '\\')
        {
            Keep(bytes.Slice(end, 1));
            escaped = true;
        }
        else
        {
            inString = false;
            if (capture is Capture.Key)
            {
                Named();
            }

            capture = Capture.None;
        }

        return bytes[(end + 1)..];
    }

    private ReadOnlySpan<byte> Deep(ReadOnlySpan<byte> bytes)
    {
        var next = bytes.IndexOfAny(Structure);
        if (next < 0)
        {
            return default;
        }

        switch (bytes[next])
        {
            case (byte)'"':
                inString = true;
                break;
            case (byte)'{' or (byte)'[':
                depth++;
                break;
            default:
                depth--;
                keyNext = false;
                break;
        }

        return bytes[(next + 1)..];
    }

    private ReadOnlySpan<byte> Shallow(ReadOnlySpan<byte> bytes)
    {
        var b = bytes[0];
        switch (b)
        {
            case (byte)'"':
                inString = true;
                var isMessage = !keyNext && depth == 2 && section is Part.Error && member is Part.Message && messageLength == 0;
                capture = keyNext ? Capture.Key : isMessage ? Capture.Message : Capture.None;
                keyLength = 0;
                break;
            case (byte)'{' or (byte)'[':
                Enter(b == '{');
                break;
            case (byte)'}' or (byte)']':
                depth--;
                keyNext = false;
                member = Part.Other;
                break;
            case (byte)',':
                keyNext = depth == 1 ? outerIsObject : innerIsObject;
                member = Part.Other;
                break;
            case (byte)':':
                keyNext = false;
                break;
            default:
                Literal(b);
                break;
        }

        return bytes[1..];
    }

    private void Enter(bool isObject)
    {
        depth++;
        keyNext = isObject && depth <= 2;
        if (depth == 1)
        {
            outerIsObject = isObject;
        }
        else if (depth == 2)
        {
            innerIsObject = isObject;
        }
    }

    /// <summary>Numbers and words, byte by byte: only two of them matter.</summary>
    private void Literal(byte b)
    {
        if (depth != 2 || keyNext)
        {
            return;
        }

        if (section is Part.Result && member is Part.IsError)
        {
            // of "true", no other literal has an r before its u
            IsToolError |= b == 't';
        }
        else if (section is Part.Error && member is Part.Code && Math.Abs(ErrorCode) < 1_000_000_000)
        {
            if (b == '-')
            {
                negative = true;
            }
            else if (char.IsAsciiDigit((char)b))
            {
                ErrorCode = (ErrorCode * 10) + (negative ? -(b - '0') : b - '0');
            }
        }
    }

    private bool negative;

    private void Named()
    {
        var name = key.AsSpan(0, keyLength);
        if (depth == 1)
        {
            section = name.SequenceEqual("result"u8) ? Part.Result : name.SequenceEqual("error"u8) ? Part.Error : Part.Other;
            IsAnswer |= section is not Part.Other;
            HasError |= section is Part.Error;
            negative = false;
        }
        else
        {
            member = name.SequenceEqual("isError"u8) ? Part.IsError : name.SequenceEqual("code"u8) ? Part.Code : name.SequenceEqual("message"u8) ? Part.Message : Part.Other;
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (capture is Capture.Key)
        {
            // a longer one is none of ours; its length says so
            bytes[..Math.Min(bytes.Length, MaxKey - keyLength)].CopyTo(key.AsSpan(keyLength));
            keyLength = Math.Min(MaxKey, keyLength + bytes.Length);
        }
        else if (capture is Capture.Message && messageLength < MaxMessage)
        {
            message ??= new byte[MaxMessage];
            var kept = bytes[..Math.Min(bytes.Length, MaxMessage - messageLength)];
            kept.CopyTo(message.AsSpan(messageLength));
            messageLength += kept.Length;
        }
    }
}
