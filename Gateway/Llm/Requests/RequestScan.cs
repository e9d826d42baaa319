using System.Runtime.InteropServices;
using System.Text.Json;

namespace Obot.Gateway.Llm.Requests;

/// <summary>A part of the request's bytes; for a member's value, its token with quotes or braces.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Place(int Start, int Length)
{
    public int End => Start + Length;
}

/// <summary>
/// What the gateway has to know of a request, read where it lies. Each member that decides something may stand there once only: two
/// readers must not see two requests.
/// </summary>
internal sealed class RequestScan
{
    private const int MaxDepth = 256;
    private const int LongText = 8 * 1024;
    private const int BytesOfAToken = 3;
    private const int TokensOfAnImage = 1600;

    /// <summary>No model writes more; sums and prices of it stay far below what a number can hold.</summary>
    private const long MostTokens = 1_000_000_000;
    private bool hasStream;
    private bool hasChoices;
    private bool isFile;

    public string? Model { get; private set; }

    public Place ModelAt { get; private set; }

    public bool Stream { get; private set; }

    /// <summary>The value of <c>stream_options</c>; length 0 where there is none.</summary>
    public Place StreamOptionsAt { get; private set; }

    /// <summary>The value of its <c>include_usage</c>; length 0 where there is none.</summary>
    public Place IncludeUsageAt { get; private set; }

    public bool IncludeUsage { get; private set; }

    /// <summary>Most tokens that the answer may have, as the caller says.</summary>
    public long? MaxOutputTokens { get; private set; }

    public long Choices { get; private set; } = 1;

    public double? Temperature { get; private set; }

    public bool HasTools { get; private set; }

    /// <summary>Tokens that the request has at most, more or less: a third of its text's bytes, and a flat sum for each thing that is no text.</summary>
    public long InputTokens { get; private set; }

    /// <summary>Where the object begins; behind it is where members are added.</summary>
    public int ObjectAt { get; private set; }

    public bool IsEmpty { get; private set; } = true;

    /// <exception cref="JsonException">No JSON.</exception>
    /// <exception cref="LlmRequestException">JSON that is no request.</exception>
    public static RequestScan Of(ReadOnlySpan<byte> body)
    {
        var scan = new RequestScan();
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new LlmRequestException("The body must be a JSON object.");
        }

        scan.ObjectAt = (int)reader.TokenStartIndex;
        long bytes = 0;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                bytes += scan.Weigh(reader.ValueSpan);
            }
            else if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
            {
                (scan.IsEmpty, scan.isFile) = (false, false);
                scan.Member(ref reader, ref bytes);
            }
            else if (reader.TokenType == JsonTokenType.PropertyName)
            {
                scan.isFile = MayBeAFile(ref reader);
            }
        }

        scan.InputTokens += (bytes / BytesOfAToken) + 16;
        return scan;
    }

    private void Member(ref Utf8JsonReader reader, ref long bytes)
    {
        if (reader.ValueTextEquals("model"u8))
        {
            Once(Model is null, "model");
            reader.Read();
            Model = reader.TokenType == JsonTokenType.String ? reader.GetString() : throw new LlmRequestException("'model' must be a string.", "model");
            ModelAt = PlaceOf(reader);
        }
        else if (reader.ValueTextEquals("stream"u8))
        {
            Once(!hasStream, "stream");
            hasStream = true;
            reader.Read();
            Stream = reader.TokenType == JsonTokenType.True;
        }
        else if (reader.ValueTextEquals("stream_options"u8))
        {
            Once(StreamOptionsAt.Length == 0, "stream_options");
            reader.Read();
            Options(ref reader);
        }
        else if (reader.ValueTextEquals("max_tokens"u8) || reader.ValueTextEquals("max_completion_tokens"u8) || reader.ValueTextEquals("max_output_tokens"u8))
        {
            reader.Read();
            MaxOutputTokens = reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var most) ? Math.Max(MaxOutputTokens ?? 0, (long)Math.Clamp(most, 0, MostTokens)) : MaxOutputTokens;
        }
        else if (reader.ValueTextEquals("n"u8))
        {
            Once(!hasChoices, "n");
            hasChoices = true;
            reader.Read();
            Choices = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var count) ? Math.Clamp(count, 1, 1024) : 1;
        }
        else if (reader.ValueTextEquals("temperature"u8))
        {
            reader.Read();
            Temperature = reader.TokenType == JsonTokenType.Number ? reader.GetDouble() : null;
        }
        else if (reader.ValueTextEquals("tools"u8) || reader.ValueTextEquals("functions"u8))
        {
            HasTools = true;
        }
        else if (reader.ValueTextEquals("input"u8))
        {
            // a text by itself is not met by the loop, which would read on behind it
            reader.Read();
            bytes += reader.TokenType == JsonTokenType.String ? Weigh(reader.ValueSpan) : 0;
        }
    }

    private void Options(ref Utf8JsonReader reader)
    {
        var start = (int)reader.TokenStartIndex;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            StreamOptionsAt = PlaceOf(reader);
            return;
        }

        var depth = reader.CurrentDepth;
        while (reader.Read() && !(reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == depth))
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == depth + 1 && reader.ValueTextEquals("include_usage"u8))
            {
                Once(IncludeUsageAt.Length == 0, "stream_options.include_usage");
                reader.Read();
                IncludeUsage = reader.TokenType == JsonTokenType.True;
                IncludeUsageAt = PlaceOf(reader);
            }
        }

        StreamOptionsAt = new(start, (int)reader.BytesConsumed - start);
    }

    /// <summary>Images and files travel as Base64, long and without a blank, where both vendors have them: a text elsewhere is read as a text, whatever it looks like.</summary>
    private int Weigh(ReadOnlySpan<byte> text)
    {
        if (!isFile || text.Length <= LongText || text[..LongText].Contains((byte)' '))
        {
            return text.Length;
        }

        InputTokens += TokensOfAnImage;
        return 0;
    }

    private static bool MayBeAFile(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("url"u8) || reader.ValueTextEquals("image_url"u8) || reader.ValueTextEquals("data"u8) || reader.ValueTextEquals("file_data"u8);

    private static Place PlaceOf(in Utf8JsonReader reader) => new((int)reader.TokenStartIndex, (int)(reader.BytesConsumed - reader.TokenStartIndex));

    private static void Once(bool isFirst, string name)
    {
        if (!isFirst)
        {
            throw new LlmRequestException($"'{name}' stands twice in the request.", name);
        }
    }
}

/// <summary>A request that is refused for what it says.</summary>
internal sealed class LlmRequestException(string message, string? param = null) : Exception(message)
{
    public string? Param { get; } = param;
}
