using System.Text.Json;

namespace Obot.Gateway.Llm.Answers;

/// <summary>What a call used, as the provider says; both vendors' words are read.</summary>
internal sealed class LlmUsage
{
    private const int MaxDepth = 3;

    /// <summary>A provider that says more is not believed.</summary>
    private const long MostTokens = 1_000_000_000;
    private long input;
    private long cacheRead;
    private long cacheWritten;

    /// <summary>Whether the provider said anything.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>Everything that the model read, from its cache or not.</summary>
    public long Input => input + cacheRead + cacheWritten;

    public long Output { get; private set; }

    /// <summary>The part of <see cref="Input"/> that came from the provider's cache.</summary>
    public long CachedInput { get; private set; }

    public void Set(long inputTokens, long outputTokens) => (input, Output, IsKnown) = (inputTokens, outputTokens, true);

    /// <summary>Takes what a whole answer, or the data of one event, says; what it does not say stays.</summary>
    public void Read(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("\"usage\""u8) < 0)
        {
            return;
        }

        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                if (reader.CurrentDepth < MaxDepth && reader.ValueTextEquals("usage"u8))
                {
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.StartObject)
                    {
                        ReadObject(ref reader);
                    }
                }
                else if (reader.CurrentDepth >= MaxDepth - 1)
                {
                    reader.Skip();
                }
            }
        }
        catch (JsonException)
        {
            // an answer that is no JSON is the client's to judge; it only says nothing about its usage
        }
    }

    private void ReadObject(ref Utf8JsonReader reader)
    {
        var depth = reader.CurrentDepth;
        while (reader.Read() && !(reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == depth))
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            if (reader.ValueTextEquals("prompt_tokens"u8) || reader.ValueTextEquals("input_tokens"u8))
            {
                input = Number(ref reader, input);
            }
            else if (reader.ValueTextEquals("completion_tokens"u8) || reader.ValueTextEquals("output_tokens"u8))
            {
                Output = Number(ref reader, Output);
            }
            else if (reader.ValueTextEquals("cache_read_input_tokens"u8))
            {
                CachedInput = cacheRead = Number(ref reader, cacheRead);
            }
            else if (reader.ValueTextEquals("cache_creation_input_tokens"u8))
            {
                cacheWritten = Number(ref reader, cacheWritten);
            }
            else if (reader.ValueTextEquals("cached_tokens"u8))
            {
                CachedInput = Number(ref reader, CachedInput);
            }
        }
    }

    private long Number(ref Utf8JsonReader reader, long before)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var value) || value is < 0 or > MostTokens)
        {
            reader.TrySkip();
            return before;
        }

        IsKnown = true;
        return value;
    }
}
