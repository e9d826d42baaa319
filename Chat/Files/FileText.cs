using System.Globalization;
using Obot.Grains.Abstractions.Files;

namespace Obot.Chat.Files;

/// <summary>Files in words and links.</summary>
internal static class FileText
{
    private static readonly string[] Units = ["bytes", "KB", "MB", "GB"];

    public static string Size(long bytes)
    {
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1000 && unit < Units.Length - 1; unit++)
        {
            value /= 1000;
        }

        return string.Create(CultureInfo.CurrentCulture, $"{value.ToString(unit == 0 || value >= 100 ? "0" : "0.#", CultureInfo.CurrentCulture)} {Units[unit]}");
    }

    /// <summary>Where a browser downloads it.</summary>
    public static string Link(FileScope scope, string path) =>
        $"/api/{(scope.ThreadId is { } thread ? $"threads/{thread}" : $"projects/{scope.ProjectId}")}/files/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}";

    /// <summary>A name that is not taken: "picture.png", then "picture (2).png".</summary>
    public static string Free(string name, ICollection<string> taken)
    {
        var (stem, ending) = (Path.GetFileNameWithoutExtension(name), Path.GetExtension(name));
        var free = name;
        for (var number = 2; taken.Contains(free); number++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{stem} ({number}){ending}");
        }

        return free;
    }
}
