using System.Text.RegularExpressions;
using Xunit;

namespace Obot.Conventions.Tests;

/// <summary>How the code looks.</summary>
public sealed partial class SourceTests
{
    private const int Ceiling = 400;

    [Fact]
    public void Files_AreSmall()
    {
        var long_ = Repository.Sources(".cs", ".razor").Select(file => (Name: Repository.Relative(file), Lines: File.ReadLines(file).Count())).Where(file => file.Lines > Ceiling);
        Assert.Empty(long_);
    }

    [Fact]
    public void Logging_IsGenerated() => AssertNone(RawLogging());

    [Fact]
    public void Time_IsInjected() => AssertNone(WallClock());

    [Fact]
    public void Work_IsFinished() => AssertNone(Unfinished());

    [Fact]
    public void Folders_AreSubjects()
    {
        string[] kinds = ["Services", "Helpers", "Managers", "Utils", "Common", "Extensions", "Models"];
        var offending = Repository.Projects.SelectMany(project => Directory.EnumerateDirectories(Path.Combine(Repository.Root, project), "*", SearchOption.AllDirectories))
            .Where(folder => kinds.Contains(Path.GetFileName(folder), StringComparer.Ordinal) && !folder.Contains("/obj/", StringComparison.Ordinal));
        Assert.Empty(offending.Select(Repository.Relative));
    }

    [Fact]
    public void Dependencies_HaveAReason()
    {
        var reasons = File.ReadAllText(Path.Combine(Repository.Root, "docs", "dependencies.md"));
        var packages = PackageVersion().Matches(File.ReadAllText(Path.Combine(Repository.Root, "Directory.Packages.props"))).Select(match => match.Groups[1].Value);
        Assert.Empty(packages.Where(package => !reasons.Contains(package, StringComparison.Ordinal)));
    }

    private static void AssertNone(Regex pattern)
    {
        var found = Repository.Sources(".cs", ".razor")
            .SelectMany(file => File.ReadLines(file).Select((line, number) => (Place: $"{Repository.Relative(file)}:{number + 1}", Line: line)))
            .Where(line => pattern.IsMatch(line.Line));
        Assert.Empty(found);
    }

    [GeneratedRegex(@"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(", RegexOptions.None, 1000)]
    private static partial Regex RawLogging();

    [GeneratedRegex(@"DateTime(Offset)?\.(Utc)?Now\b", RegexOptions.None, 1000)]
    private static partial Regex WallClock();

    [GeneratedRegex(@"NotImplementedException|\bTODO\b|\bFIXME\b|\bHACK\b", RegexOptions.None, 1000)]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"PackageVersion Include=""([^""]+)""", RegexOptions.None, 1000)]
    private static partial Regex PackageVersion();
}
