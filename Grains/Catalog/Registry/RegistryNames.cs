using System.Globalization;
using Obot.Data.Tables;

namespace Obot.Grains.Catalog.Registry;

/// <summary>Names and versions in the registry.</summary>
internal static class RegistryNames
{
    private const string ServerPrefix = "ms1";
    private const int IdDigits = 10;
    private const string VersionPrefix = "1.0.";

    /// <summary>A server that was made from no entry: its own name, and the id's digits, because names of servers are nobody's.</summary>
    public static string Of(ServerRow row)
    {
        var digits = row.Id[ServerPrefix.Length..];
        var slug = StoredEntry.RegistryName(row.Name, $"me1{digits}", static _ => false);
        return slug.EndsWith(digits, StringComparison.Ordinal) ? slug : $"{slug}-{digits}";
    }

    /// <summary>The only server that may have the name; null when no server has it.</summary>
    public static string? ServerIdOf(string name) => name.Length >= IdDigits ? ServerPrefix + name[^IdDigits..] : null;

    public static string VersionOf(long revision) => string.Create(CultureInfo.InvariantCulture, $"{VersionPrefix}{revision}");

    /// <summary>Null when it is no version of ours.</summary>
    public static long? RevisionOf(string version) =>
        version.StartsWith(VersionPrefix, StringComparison.Ordinal) && long.TryParse(version[VersionPrefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var revision)
            ? revision
            : null;
}
