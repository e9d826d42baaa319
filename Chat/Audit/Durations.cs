using System.Globalization;

namespace Obot.Chat.Audit;

internal static class Durations
{
    /// <summary>As a person reads it: <c>3.2 ms</c>, <c>420 ms</c>, <c>1.5 s</c>; a dash for none.</summary>
    public static string Text(double? milliseconds) => milliseconds switch
    {
        null => "–",
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.0} ms"),
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.0} s"),
    };
}
