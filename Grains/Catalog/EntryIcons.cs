using System.Collections.Concurrent;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Outbound;

namespace Obot.Grains.Catalog;

/// <summary>
/// Icons of entries, fetched by the platform: a page that shows them tells nobody who looks at it. Kept in memory for an hour, also that
/// there is none.
/// </summary>
internal sealed class EntryIcons(IOutboundDocuments documents, TimeProvider time)
{
    private const int MaxBytes = 256 * 1024;
    private const int MaxKept = 500;
    private static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);
    private static readonly string[] Types = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml", "image/x-icon", "image/vnd.microsoft.icon"];

    /// <summary>A quiet square in place of a picture that cannot be had.</summary>
    public static EntryIcon None { get; } = new(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect x=\"3\" y=\"3\" width=\"26\" height=\"26\" rx=\"6\" fill=\"none\" stroke=\"#8888a0\" stroke-width=\"2\"/><circle cx=\"16\" cy=\"16\" r=\"5\" fill=\"#8888a0\"/></svg>"u8.ToArray(),
        "image/svg+xml");

    private readonly ConcurrentDictionary<string, (EntryIcon? Icon, long At)> _kept = new(StringComparer.Ordinal);

    /// <summary>Null when it cannot be had, or is no picture.</summary>
    public async Task<EntryIcon?> GetAsync(string address, CancellationToken cancellationToken)
    {
        if (address.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
        {
            return OfData(address);
        }

        if (_kept.TryGetValue(address, out var kept) && time.GetElapsedTime(kept.At) < KeepFor)
        {
            return kept.Icon;
        }

        var icon = await FetchAsync(address, cancellationToken);
        if (_kept.Count >= MaxKept)
        {
            _kept.Clear();
        }

        _kept[address] = (icon, time.GetTimestamp());
        return icon;
    }

    private async Task<EntryIcon?> FetchAsync(string address, CancellationToken cancellationToken)
    {
        try
        {
            return Uri.TryCreate(address, UriKind.Absolute, out var uri)
                && await documents.Get(uri, MaxBytes, cancellationToken, "image/*") is { ContentType: { } type } document && Types.Contains(type, StringComparer.OrdinalIgnoreCase)
                ? new(document.Body, type)
                : null;
        }
        catch (OutboundRefusedException)
        {
            return null;
        }
    }

    private static EntryIcon? OfData(string address)
    {
        var comma = address.IndexOf(',', StringComparison.Ordinal);
        var type = comma < 0 ? "" : address[5..comma];
        if (!type.EndsWith(";base64", StringComparison.OrdinalIgnoreCase) || !Types.Contains(type[..^7], StringComparer.OrdinalIgnoreCase))
        {
            return null;
        }

        var bytes = new byte[(address.Length - comma) * 3 / 4 + 3];
        return Convert.TryFromBase64String(address[(comma + 1)..], bytes, out var length) && length <= MaxBytes ? new(bytes[..length], type[..^7]) : null;
    }
}
