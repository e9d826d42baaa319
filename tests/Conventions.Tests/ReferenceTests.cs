using System.Xml.Linq;
using Xunit;

namespace Obot.Conventions.Tests;

/// <summary>The arrows between projects, as docs/architecture.md draws them.</summary>
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Silo"] = ["Gateway", "Chat", "Grains", "Grains.Abstractions", "Data"],
        ["Gateway"] = ["Grains.Abstractions", "Data", "Shim.Contracts"],
        ["Chat"] = ["Grains.Abstractions", "Data"],
        ["Grains"] = ["Grains.Abstractions", "Data", "Shim.Contracts"],
        ["Grains.Abstractions"] = [],
        ["Data"] = [],
        ["Shim"] = ["Shim.Contracts"],
        ["Shim.Contracts"] = [],
    };

    public static TheoryData<string> Projects => new(Allowed.Keys);

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_References_PointOneWay(string project)
    {
        var file = XDocument.Load(Path.Combine(Repository.Root, project, project + ".csproj"));
        var references = file.Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!));
        Assert.Empty(references.Except(Allowed[project]));
    }

    [Fact]
    public void Contracts_OfTheShim_HaveNoPackages()
    {
        var file = XDocument.Load(Path.Combine(Repository.Root, "Shim.Contracts", "Shim.Contracts.csproj"));
        Assert.Empty(file.Descendants("PackageReference"));
    }

    [Fact]
    public void Shim_Sources_KnowNothingOfOrleans() =>
        Assert.DoesNotContain(Repository.Sources(".cs").Where(file => Repository.Relative(file).StartsWith("Shim", StringComparison.Ordinal)), file => File.ReadAllText(file).Contains("using Orleans", StringComparison.Ordinal));

    [Fact]
    public void Vocabulary_OfTheGrains_DoesNoInputOutput()
    {
        string[] foreign = ["Microsoft.AspNetCore", "Npgsql", "System.Net.Http", "Microsoft.EntityFrameworkCore"];
        var offending = Repository.Sources(".cs").Where(file => Repository.Relative(file).StartsWith("Grains.Abstractions", StringComparison.Ordinal))
            .Where(file => foreign.Any(name => File.ReadAllText(file).Contains($"using {name}", StringComparison.Ordinal)));
        Assert.Empty(offending);
    }
}
