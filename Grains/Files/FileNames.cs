using System.Buffers;
using System.Text;
using Obot.Grains.Abstractions;

namespace Obot.Grains.Files;

/// <summary>Paths that mean the same on every system and lead nowhere else.</summary>
internal static class FileNames
{
    private const int MostCharacters = 500;
    private const int MostNames = 8;
    private const int MostBytesOfName = 200;
    private static readonly SearchValues<char> Special = SearchValues.Create("\\:*?\"<>|");
    private static readonly HashSet<string> Devices = new(
        ["CON", "PRN", "AUX", "NUL", .. Enumerable.Range(0, 10).SelectMany(number => new[] { $"COM{number}", $"LPT{number}" })], StringComparer.OrdinalIgnoreCase);

    /// <summary>The path in its one form: names by <c>/</c>, Unicode composed.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    public static string Check(string? path)
    {
        var composed = IsText(path) ? path!.Normalize(NormalizationForm.FormC) : "";
        var names = composed.Split('/');
        return composed.Length is > 0 and <= MostCharacters && names.Length <= MostNames && names.All(IsName)
            ? composed
            : throw new InvalidInputException("path", $"Must be one to {MostNames} names separated by '/', {MostCharacters} characters at most; no name '.', '..' or of a device, none with \\ : * ? \" < > | or control characters, none that begins or ends with a blank or ends with a dot.");
    }

    private static bool IsText(string? path)
    {
        // half a surrogate pair is no text, and no file system takes it
        for (var i = 0; i < path?.Length; i++)
        {
            if (char.IsSurrogate(path[i]) && !(char.IsHighSurrogate(path[i]) && i + 1 < path.Length && char.IsLowSurrogate(path[++i])))
            {
                return false;
            }
        }

        return path is not null;
    }

    private static bool IsName(string name) =>
        name.Length > 0 && Encoding.UTF8.GetByteCount(name) <= MostBytesOfName && !name.AsSpan().ContainsAny(Special)
        && !name.Any(letter => char.IsControl(letter) || letter is '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069'))
        && name[0] != ' ' && name[^1] is not (' ' or '.') && !Devices.Contains(name.Split('.')[0].TrimEnd());
}
