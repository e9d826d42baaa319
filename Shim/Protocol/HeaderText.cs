using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Obot.Shim.Protocol;

/// <summary>Values of <c>Mcp-Name</c> and <c>Mcp-Param-*</c>: visible ASCII as it is, everything else as <c>=?base64?…?=</c>.</summary>
internal static class HeaderText
{
    private const string Prefix = "=?base64?";
    private const string Suffix = "?=";

    private static readonly SearchValues<char> Permitted =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c), '\t']);

    /// <summary>The value as a field value may have it.</summary>
    public static string Encode(string value) => value.AsSpan().ContainsAnyExcept(Permitted) || value.StartsWith(Prefix, StringComparison.Ordinal) || value.Trim() != value
        ? Prefix + Convert.ToBase64String(Encoding.UTF8.GetBytes(value)) + Suffix
        : value;

    /// <summary>False for characters that a field value must not have, for broken base64 and for base64 of no UTF-8.</summary>
    public static bool TryDecode(string value, out string decoded)
    {
        decoded = value;
        if (value.AsSpan().ContainsAnyExcept(Permitted))
        {
            return false;
        }

        if (value.Length < Prefix.Length + Suffix.Length || !value.StartsWith(Prefix, StringComparison.Ordinal) || !value.EndsWith(Suffix, StringComparison.Ordinal))
        {
            return true;
        }

        var encoded = value[Prefix.Length..^Suffix.Length];
        var bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded, bytes, out var written) || !Utf8.IsValid(bytes.AsSpan(0, written)))
        {
            return false;
        }

        decoded = Encoding.UTF8.GetString(bytes, 0, written);
        return true;
    }
}
