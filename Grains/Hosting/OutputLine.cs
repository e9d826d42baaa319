using System.Globalization;
using System.Text.Json;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Hosting;

/// <summary>What a container printed. A server in its own image speaks for itself; a bridge reports what its server says as events.</summary>
/// <param name="Text">For people; null for an event that says nothing to them.</param>
/// <param name="Event">What a shim reported, if that is what it was.</param>
internal sealed record OutputLine(DateTimeOffset At, string? Text, ShimEvent? Event)
{
    private const int MaxLine = 4096;

    /// <param name="line">"2026-01-01T00:00:00.123456789Z text", where text may be an event of a shim.</param>
    public static OutputLine Parse(string line)
    {
        var text = line.TrimEnd('\r');
        var blank = text.IndexOf(' ', StringComparison.Ordinal);
        var at = DateTimeOffset.MinValue;
        if (blank > 0 && DateTimeOffset.TryParse(text.AsSpan(0, blank), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at))
        {
            text = text[(blank + 1)..];
        }

        var said = text.StartsWith("{\"event\":", StringComparison.Ordinal) ? Read(text) : null;
        return said is null
            ? new(at, text.Length > MaxLine ? text[..MaxLine] : text, null)
            : new(at, said.Event switch { ShimEvent.Log => said.Line ?? "", ShimEvent.Failed => said.Reason, _ => null }, said);
    }

    private static ShimEvent? Read(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, ShimJson.Default.ShimEvent);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
