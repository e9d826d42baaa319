using System.Text;
using System.Text.Json;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Control;

namespace Obot.Shim.Guard.Filters;

/// <summary>Reads what webhooks and filter servers say; never more of it than <see cref="FilterCalls.MaxAnswerBytes"/>.</summary>
internal static class FilterAnswers
{
    private const int MaxReasonBytes = 2048;
    private const int MaxReason = 500;

    /// <param name="isDecision">The answer must say whether it accepts; otherwise silence accepts.</param>
    /// <exception cref="FilterFault">It cannot be used.</exception>
    public static FilterVerdict Judge(ReadOnlyMemory<byte> json, ReadOnlyMemory<byte> original, bool isDecision)
    {
        FilterAnswer? answer;
        try
        {
            answer = json.Length == 0 && !isDecision ? new() : JsonSerializer.Deserialize(json.Span, ShimJson.Default.FilterAnswer);
        }
        catch (JsonException) when (!isDecision && IsJson(json))
        {
            // JSON of the receiver's own: 'message' may be a text there
            answer = new();
        }
        catch (JsonException)
        {
            throw new FilterFault("its answer is not valid JSON of a decision");
        }

        return Judge(answer, original, isDecision);
    }

    public static FilterVerdict Judge(FilterAnswer? answer, ReadOnlyMemory<byte> original, bool isDecision)
    {
        if (answer?.Accept is not { } accept)
        {
            return isDecision ? throw new FilterFault("its answer does not say 'accept'") : FilterVerdict.Accepted;
        }

        var reason = Clean(answer.Reason);
        if (!accept)
        {
            return FilterVerdict.Rejected(reason);
        }

        var changed = answer.Mutated switch
        {
            { ValueKind: JsonValueKind.True } => answer.Message ?? throw new FilterFault("it says 'mutated' and sends no 'message'"),
            { ValueKind: JsonValueKind.Object } itself => itself,
            { ValueKind: JsonValueKind.False or JsonValueKind.Null } or null => default(JsonElement?),
            _ => throw new FilterFault("its 'mutated' is neither true, false nor a message"),
        };
        if (changed is not { } message)
        {
            return FilterVerdict.Accepted;
        }

        // some servers send the message as text
        var bytes = Encoding.UTF8.GetBytes(message.ValueKind is JsonValueKind.String ? message.GetString()! : message.GetRawText());
        return bytes.AsSpan().SequenceEqual(original.Span) ? FilterVerdict.Accepted : new(FilterOutcomes.Mutated, reason, bytes);
    }

    /// <exception cref="FilterFault">It is too large.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var (bytes, isWhole) = await ReadAsync(stream, FilterCalls.MaxAnswerBytes, cancellationToken);
        return isWhole ? bytes : throw new FilterFault($"its answer is larger than {FilterCalls.MaxAnswerBytes} bytes");
    }

    /// <summary>What a refusing status says: member <c>reason</c>, <c>detail</c>, <c>message</c> or <c>error</c> of a JSON object, or its text.</summary>
    public static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var (bytes, _) = await ReadAsync(stream, MaxReasonBytes, cancellationToken);
        var status = $"HTTP {(int)response.StatusCode}";
        return Clean(Member(bytes) ?? Encoding.UTF8.GetString(bytes.Span)) is { } reason ? $"{reason} ({status})" : status;
    }

    private static async Task<(ReadOnlyMemory<byte> Bytes, bool IsWhole)> ReadAsync(Stream stream, int max, CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Min(max, 4096)];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken);
            length += read;
            if (read == 0 || length > max)
            {
                return (buffer.AsMemory(0, Math.Min(length, max)), read == 0);
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, Math.Min(length * 2, max + 1));
            }
        }
    }

    private static string? Member(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            foreach (var name in (ReadOnlySpan<string>)["reason", "detail", "message", "error"])
            {
                if (document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.String)
                {
                    return member.GetString();
                }
            }
        }
        catch (JsonException)
        {
            // then it is text
        }

        return null;
    }

    private static bool IsJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            JsonDocument.Parse(json).Dispose();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>One line for people; null for nothing.</summary>
    private static string? Clean(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        var line = string.Concat(text.Trim().Take(MaxReason).Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length > MaxReason ? line + "…" : line;
    }
}
