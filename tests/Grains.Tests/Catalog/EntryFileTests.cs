using System.Text;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Catalog.Files;
using Obot.Grains.Catalog.Sources;

namespace Obot.Grains.Tests.Catalog;

public sealed class EntryFileTests
{
    [Theory]
    [InlineData("- a\n- b: ]", 2, "")]
    [InlineData("runtime: npx\nnpxConfig: {package: p}", 1, "name")]
    [InlineData("name: a\nruntime: npx\nnpxConfig:\n  package: p\n  args:\n    - ok\n    - {not: text}", 7, "npxConfig.args[1]")]
    [InlineData("name: a\nruntime: npx\nnpxConfig:\n  package: p\nenv:\n  - key: GOOD\n  - key: bad key", 7, "env[1].key")]
    [InlineData("name: a\nruntime: npx\nnpxConfig:\n  package: p\nenv:\n  - key: GOOD\n    required: maybe", 7, "env[0].required")]
    [InlineData("name: a\nname: b\nruntime: npx\nnpxConfig: {package: p}", 2, "name")]
    [InlineData("name: a\nruntime: remote\nremoteConfig:\n  fixedURL: ftp://x", 4, "remoteConfig.fixedURL")]
    [InlineData("name: a\nruntime: containerized\ncontainerizedConfig:\n  image: i\n  port: 99999", 5, "containerizedConfig.port")]
    [InlineData("just text", 1, "")]
    [InlineData("name: *nowhere\nruntime: npx", 1, "")]
    public void Fault_IsToldWithLineAndField(string yaml, int line, string field)
    {
        var problem = Assert.Single(Read(yaml).Problems, one => !one.Warning);
        Assert.Equal((line, field), (problem.Line, problem.Field));
    }

    [Fact]
    public void Texts_WithoutQuotes_StayTexts()
    {
        var (entries, problems) = Read("name: 42\nruntime: npx\nnpxConfig:\n  package: 'p'\n  args: [1.10, true, null-ish]\nmetadata: {stars: 10, categories: a}\nenv:\n  - key: PORT\n    value: 8080\n    required: true");
        Assert.Empty(problems);
        var manifest = Assert.Single(entries).Manifest;
        Assert.Equal("42", manifest.Name);
        Assert.Equal(["1.10", "true", "null-ish"], manifest.NpxConfig!.Args);
        Assert.Equal("8080", manifest.Env[0].Value);
        Assert.Equal("10", manifest.Metadata!["stars"]);
    }

    [Fact]
    public void Bombs_AreRefusedWithoutHarm()
    {
        var laughs = new StringBuilder("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
        for (var c = 'b'; c <= 'j'; c++)
        {
            var before = (char)(c - 1);
            laughs.Append(System.Globalization.CultureInfo.InvariantCulture, $"{c}: &{c} [{string.Join(',', Enumerable.Repeat($"*{before}", 10))}]\n");
        }

        Assert.Contains("values", Assert.Single(Read(laughs.ToString()).Problems).Message, StringComparison.Ordinal);
        Assert.Contains("levels", Assert.Single(Read(new string('[', 100_000)).Problems).Message, StringComparison.Ordinal);
        Assert.NotEmpty(Read("a: &a [*a]").Problems);
    }

    /// <summary>A mebibyte of YAML that would be gigabytes in memory.</summary>
    [Fact]
    public void Attack_OfALongTextUsedOften_OrALongNameAboveManyFields_IsRefusedWithoutHarm()
    {
        var text = $"a: &a {new string('x', 400_000)}\nb: [{string.Join(',', Enumerable.Repeat("*a", 50_000))}]\n";
        Assert.Contains("values", Assert.Single(Read(text).Problems).Message, StringComparison.Ordinal);
        var names = $"? {new string('n', 400_000)}\n: {{{string.Join(',', Enumerable.Range(0, 50_000).Select(i => $"k{i}: 1"))}}}\n";
        Assert.Contains("names", Assert.Single(Read(names).Problems).Message, StringComparison.Ordinal);
        var faults = string.Concat(Enumerable.Repeat("- {name: a, runtime: nowhere}\n", 10_000));
        Assert.InRange(Read(faults).Problems.Count, 1, 40);
    }

    /// <summary>What PostgreSQL cannot store would stop the whole catalog when it is written down.</summary>
    [Theory]
    [InlineData("name: a\nruntime: npx\nnpxConfig: {package: p}\nmetadata: {categories: \"a\\0b\"}", 4)]
    [InlineData("name: a\nruntime: npx\nnpxConfig: {package: p}\n\"n\\0\": 1", 4)]
    [InlineData("name: a\nruntime: npx\nnpxConfig: {package: p}\nicon: \"\\uD800\"", 4)]
    public void Attack_OfATextThatNoDatabaseTakes_IsAFaultOfItsFile(string yaml, int line) =>
        Assert.Equal(line, Assert.Single(Read(yaml).Problems, one => !one.Warning).Line);

    [Fact]
    public void Ignored_GlobsCoverWhatTheyName()
    {
        var list = IgnoreList.Parse("# comment\n*.draft.yaml\ndocs/\n/top.yaml\nservers/**/old?.yaml\n");
        Assert.Equal(
            [true, true, true, true, false, true, false, false],
            new[] { "a.draft.yaml", "x/y/b.draft.yaml", "docs/a/b.yaml", "top.yaml", "x/top.yaml", "servers/a/b/old1.yaml", "servers/a/old12.yaml", "good.yaml" }.Select(list.Covers));
    }

    [Theory]
    [InlineData("https://github.com/example/catalog", "https", null, null)]
    [InlineData("https://github.com/example/catalog.git#v1:servers/good", "https", "v1", "servers/good")]
    [InlineData("git@github.com:example/catalog.git", "ssh", null, null)]
    [InlineData("ssh://git@github.com:22/example/catalog.git#main", "ssh", "main", null)]
    [InlineData("/srv/catalog", "directory", null, null)]
    public void Address_IsUnderstood(string text, string scheme, string? branch, string? folder)
    {
        var address = SourceAddress.Parse(text);
        Assert.Equal((scheme, branch, folder), (address!.Scheme, address.Branch, address.Folder));
    }

    [Theory]
    [InlineData("--upload-pack=touch /tmp/x")]
    [InlineData("ext::sh -c id")]
    [InlineData("https://user:token@github.com/a/b")]
    [InlineData("https://github.com/a/b#../x")]
    [InlineData("https://github.com/a/b#main:../../etc")]
    [InlineData("ssh://-oProxyCommand=id/x")]
    [InlineData("-x@host:path")]
    [InlineData("relative/path")]
    [InlineData("/srv/../etc")]
    [InlineData("ftp://host/x")]
    public void Address_ThatIsATrap_IsRefused(string text) => Assert.Null(SourceAddress.Parse(text));

    private static (IReadOnlyList<FileEntry> Entries, IReadOnlyList<EntryProblem> Problems) Read(string yaml)
    {
        var problems = new List<EntryProblem>();
        return (EntryFile.Read("s", new("f.yaml", Encoding.UTF8.GetBytes(yaml)), problems), problems);
    }
}
