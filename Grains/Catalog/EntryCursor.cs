using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Obot.Grains.Abstractions;

namespace Obot.Grains.Catalog;

/// <summary>Position in a list of entries, by name or by score: keyset, so that pages neither skip nor repeat while entries come and go.</summary>
internal sealed record EntryCursor(string Key, string Id)
{
    private const int MaxLength = 2000;

    public long Score => long.TryParse(Key, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var score) ? score : throw Bad();

    public override string ToString() => Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{Id} {Key}"));

    /// <exception cref="InvalidInputException">Not a cursor of ours.</exception>
    public static EntryCursor? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (text.Length <= MaxLength && Base64Url.IsValid(text)
            && Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split(' ', 2) is [{ Length: > 0 } id, var key]
            && !text.Contains('\0', StringComparison.Ordinal) && !key.Contains('\0', StringComparison.Ordinal) && !id.Contains('\0', StringComparison.Ordinal))
        {
            return new(key, id);
        }

        throw Bad();
    }

    private static InvalidInputException Bad() => new("cursor", "Not a cursor of this list. Send 'nextCursor' of the page before, or nothing for the first page.");
}
