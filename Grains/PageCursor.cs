using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Obot.Grains.Abstractions;

namespace Obot.Grains;

/// <summary>Position in a list ordered by creation: keyset, so that pages neither skip nor repeat while rows come and go.</summary>
internal readonly record struct PageCursor(DateTimeOffset CreatedAt, string Id)
{
    public const int MaxLimit = 500;

    public override string ToString() =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{CreatedAt.UtcTicks} {Id}")));

    /// <exception cref="InvalidInputException">Not a cursor of ours.</exception>
    public static PageCursor? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (text.Length <= 200 && Base64Url.IsValid(text))
        {
            var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split(' ', 2);
            if (parts is [var ticks, { Length: > 0 } id]
                && !id.Contains('\0', StringComparison.Ordinal)
                && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                && value <= DateTimeOffset.MaxValue.UtcTicks)
            {
                return new(new DateTimeOffset(value, TimeSpan.Zero), id);
            }
        }

        throw new InvalidInputException("cursor", "Not a cursor. Send 'nextCursor' of the page before, or nothing for the first page.");
    }

    /// <exception cref="InvalidInputException">Not 1 … 500.</exception>
    public static int CheckLimit(int limit) => limit is >= 1 and <= MaxLimit
        ? limit
        : throw new InvalidInputException("limit", $"Must be a whole number from 1 to {MaxLimit}.");
}
