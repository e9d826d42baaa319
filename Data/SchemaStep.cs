using System.Globalization;
using System.Reflection;

namespace Obot.Data;

/// <summary>One numbered script of <c>Schema/</c>.</summary>
/// <param name="Version">Its number: the schema's version once it ran.</param>
/// <param name="MinCompatible">The oldest binary's version that can work with what the script leaves behind.</param>
internal sealed record SchemaStep(int Version, int MinCompatible, string Name, string Sql)
{
    private const string Folder = "Obot.Data.Schema.";
    private const string Header = "-- min_compatible = ";

    public static IReadOnlyList<SchemaStep> All { get; } =
        [.. Resources(Folder).Select(resource => Parse(resource.Name, resource.Text)).OrderBy(step => step.Version)];

    /// <summary>Scripts of Orleans' own tables: they can run any number of times.</summary>
    public static IReadOnlyList<string> Orleans { get; } = [.. Resources("Obot.Data.Orleans.").OrderBy(r => r.Name, StringComparer.Ordinal).Select(r => r.Text)];

    public static SchemaStep Parse(string name, string sql)
    {
        var header = sql.AsSpan(0, Math.Max(0, sql.IndexOf('\n', StringComparison.Ordinal))).Trim();
        return header.StartsWith(Header, StringComparison.Ordinal)
            ? new(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), int.Parse(header[Header.Length..], CultureInfo.InvariantCulture), name, sql)
            : throw new InvalidOperationException($"{name} must begin with the line '{Header}<version>'.");
    }

    private static IEnumerable<(string Name, string Text)> Resources(string prefix)
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return (name[prefix.Length..], reader.ReadToEnd());
        }
    }
}
