using System.Diagnostics;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Catalog.Registry;

namespace Obot.Grains.Tests.Catalog;

/// <summary>A catalog in Git and everything that happens to it.</summary>
[Collection(nameof(PostgresTests))]
public sealed class GitSourceTests(Postgres postgres) : IDisposable
{
    private readonly GitRepository _git = new();

    public void Dispose() => _git.Dispose();

    [Fact]
    public async Task Repository_OfAHundredEntries_BrokenOnesDoNotStopTheirNeighbours()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        for (var i = 0; i < 95; i++)
        {
            _git.Write($"servers/{SampleEntries.Runtime(i)}/{i}.yaml", SampleEntries.Yaml(i));
        }

        _git.Write("list.yaml", "- {name: L1, runtime: npx, npxConfig: {package: l1}}\n- {name: L2, runtime: npx}\n- {name: L3, runtime: npx, npxConfig: {package: l3}}\n");
        _git.Write("bad/type.yaml", "name: Bad type\nruntime: npx\nnpxConfig:\n  package: p\n  startupTimeoutSeconds: soon\n");
        _git.Write("bad/yaml.yaml", "name: Bad\nruntime: [npx\n");
        _git.Write("bad/extra.yaml", "name: Two blocks\nruntime: npx\nnpxConfig: {package: p}\nuvxConfig: {package: p}\n");
        _git.Write("bad/binary.yaml", "name: \0");
        _git.Write("warn.yaml", SampleEntries.Yaml(99, "somethingNew:\n  deep: true"));
        _git.Write("ignored/a.yaml", "nonsense");
        _git.Write(".github/workflow.yaml", "on: push");
        _git.Write("README.md", "# not an entry");
        _git.Write(".ignoreobotcatalogs", "# not for us\nignored/\n");
        var commit = _git.Commit();

        var clock = Stopwatch.StartNew();
        var catalog = await rig.AddAsync(_git.Url);
        var first = clock.Elapsed;

        Assert.Equal(98, catalog.Entries);
        Assert.Equal((commit, 98, (string?)null), (catalog.Report.Sources[0].Commit, catalog.Report.Sources[0].Entries, catalog.Report.Sources[0].Error));
        Assert.Equal((98, 0, 0), (catalog.Report.Added, catalog.Report.Changed, catalog.Report.Removed));
        Error("list.yaml", 2, "npxConfig");
        Error("bad/type.yaml", 5, "npxConfig.startupTimeoutSeconds");
        Error("bad/extra.yaml", 4, "uvxConfig");
        Assert.Contains(catalog.Report.Problems, problem => problem is { File: "bad/yaml.yaml", Warning: false, Line: > 1 });
        Assert.Contains(catalog.Report.Problems, problem => problem is { File: "bad/binary.yaml", Warning: false });
        Assert.Contains(catalog.Report.Problems, problem => problem is { File: "warn.yaml", Field: "somethingNew", Warning: true, Line: > 25 });
        Assert.DoesNotContain(catalog.Report.Problems, problem => problem.File.StartsWith("ignored", StringComparison.Ordinal) || problem.File.StartsWith(".github", StringComparison.Ordinal));
        Assert.Equal(5, catalog.Report.Errors);

        var entries = await rig.AllAsync();
        Assert.Equal(5, entries.Select(entry => entry.Manifest.Runtime).Distinct().Count());
        Assert.Contains(entries, entry => entry.Manifest.Name == "Server 099" && entry.Manifest.Unknown!.ContainsKey("somethingNew"));
        var npx = entries.Single(entry => entry.Manifest.Name == "Server 005");
        Assert.Equal(["--port", "8080"], npx.Manifest.NpxConfig!.Args);
        Assert.Equal(["Developer Tools", "Kind npx"], npx.Categories);
        Assert.Equal("What to do", npx.ToolPreview[0].Params!["what"]);
        Assert.Equal(("servers/npx/5.yaml", 1, _git.Url), (npx.Path, npx.Line, npx.SourceURL));

        clock.Restart();
        var again = await rig.RefreshAsync(catalog);
        TestContext.Current.SendDiagnosticMessage($"100 entries: first {first.TotalMilliseconds:0} ms, again {clock.ElapsedMilliseconds} ms");
        Assert.Equal((0, 0, 0), (again.Report.Added, again.Report.Changed, again.Report.Removed));
        Assert.Equal(entries.Select(entry => (entry.Id, entry.Revision)), (await rig.AllAsync()).Select(entry => (entry.Id, entry.Revision)));
        Assert.Empty(Directory.GetDirectories(rig.Work));

        void Error(string file, int line, string field) =>
            Assert.Contains(catalog.Report.Problems, problem => problem.File == file && problem.Line == line && problem.Field == field && !problem.Warning);
    }

    /// <summary>A few kilobytes in Git: folders of folders of the same file, and one file under many names.</summary>
    [Theory]
    [InlineData(8, 10, 20, "more than 1000000 files")]
    [InlineData(1, 400, 1_000_000, "together have more than")]
    public async Task Attack_OfARepositoryThatIsSmallAndEndless_IsRefusedWithoutHarm(int levels, int names, int bytes, string told)
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        var tree = _git.RunWith("#" + new string('x', bytes), "hash-object", "-w", "--stdin");
        for (var level = 0; level < levels; level++)
        {
            var (mode, kind, suffix) = level == 0 ? ("100644", "blob", ".yaml") : ("040000", "tree", "");
            tree = _git.RunWith(string.Concat(Enumerable.Range(0, names).Select(i => $"{mode} {kind} {tree}\tn{i}{suffix}\n")), "mktree");
        }

        _git.Run("update-ref", "refs/heads/main", _git.RunWith("bomb", "commit-tree", tree));
        var before = Environment.WorkingSet;
        var clock = Stopwatch.StartNew();
        var catalog = await rig.AddAsync(_git.Url);
        Assert.Contains(told, catalog.Report.Sources[0].Error, StringComparison.Ordinal);
        Assert.Equal(0, catalog.Entries);
        TestContext.Current.SendDiagnosticMessage($"refused after {clock.ElapsedMilliseconds} ms with {(Environment.WorkingSet - before) >> 20} MiB more");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{clock.Elapsed}");
    }

    [Fact]
    public async Task Rename_Change_Delete_AndBack_KeepTheEntrysIdentity()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        _git.Write("a.yaml", SampleEntries.Yaml(0));
        _git.Write("b.yaml", SampleEntries.Yaml(1));
        _git.Commit();
        var catalog = await rig.AddAsync(_git.Url);
        var a = (await rig.AllAsync()).Single(entry => entry.Path == "a.yaml");

        _git.Run("mv", "a.yaml", "moved.yaml");
        _git.Commit();
        catalog = await rig.RefreshAsync(catalog);
        Assert.Equal((0, 0, 0), (catalog.Report.Added, catalog.Report.Changed, catalog.Report.Removed));
        Assert.Equal(("moved.yaml", 1L), await ReadAsync(a.Id));

        _git.Write("moved.yaml", SampleEntries.Yaml(0).Replace("Does thing 0", "Does it better", StringComparison.Ordinal));
        _git.Commit();
        Assert.Equal(1, (await rig.RefreshAsync(catalog)).Report.Changed);
        Assert.Equal(("moved.yaml", 2L), await ReadAsync(a.Id));

        // a broken file is no reason to take the entry away
        _git.Write("moved.yaml", "name: Server\nruntime: nothing\n");
        _git.Commit();
        catalog = await rig.RefreshAsync(catalog);
        Assert.Equal((0, 1), (catalog.Report.Removed, catalog.Report.Errors));
        Assert.Equal(2, catalog.Entries);

        File.Delete(Path.Combine(_git.Folder, "moved.yaml"));
        _git.Commit();
        catalog = await rig.RefreshAsync(catalog);
        Assert.Equal((1, 1), (catalog.Report.Removed, catalog.Entries));

        // history rewritten, and the entry is back: the same one for rules and clients
        _git.Write("again.yaml", SampleEntries.Yaml(0));
        _git.Commit(amend: true);
        catalog = await rig.RefreshAsync(catalog);
        Assert.Equal((1, 2), (catalog.Report.Added, catalog.Entries));
        Assert.Equal(("again.yaml", 1L), await ReadAsync(a.Id));

        async Task<(string?, long)> ReadAsync(string id) => (await rig.Entries.Find(CatalogRig.Admin, id, default)) is { } entry ? (entry.Path, entry.Revision) : default;
    }

    [Fact]
    public async Task Removed_WhileSomethingWasMadeFromIt_IsKeptAndMarked()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        _git.Write("a.yaml", SampleEntries.Yaml(5));
        _git.Commit();
        var catalog = await rig.AddAsync(_git.Url);
        var entry = (await rig.AllAsync()).Single();
        var server = await rig.EntryServers.Deploy(CatalogRig.Admin, entry.Id, default);
        var registry = new ServerRegistry(rig.Databases, postgres.Silo.Encryption);
        var before = TimeProvider.System.Now();
        Assert.Empty((await registry.List(CatalogRig.Admin, new(10, UpdatedSince: before), default)).Items);

        File.Delete(Path.Combine(_git.Folder, "a.yaml"));
        _git.Commit();
        catalog = await rig.RefreshAsync(catalog);
        Assert.Equal((0, 1, 1), (catalog.Entries, catalog.RemovedEntries, catalog.Report.Removed));
        Assert.NotNull((await rig.Entries.Find(CatalogRig.Admin, entry.Id, default))!.RemovedAt);
        Assert.Empty(await rig.AllAsync(query: new()));
        Assert.NotNull(await rig.Servers.Find(CatalogRig.Admin, server!.Id, default));

        // whoever asks the registry for news hears of it; whoever asks for what there is does not
        Assert.NotNull(Assert.Single((await registry.List(CatalogRig.Admin, new(10, UpdatedSince: before), default)).Items).DeletedAt);
        Assert.Empty((await registry.List(CatalogRig.Admin, new(10), default)).Items);
        Assert.True((await rig.EntryServers.Drift(CatalogRig.Admin, server.Id, default))!.EntryRemoved);
        Assert.Equal(0, (await rig.RefreshAsync(catalog)).Report.Removed);

        Assert.True(await rig.Servers.Delete(CatalogRig.Admin, server.Id, default));
        Assert.Equal(0, (await rig.RefreshAsync(catalog)).RemovedEntries);
    }

    [Fact]
    public async Task Unreachable_Huge_NotARepository_AreSaidAndChangeNothing()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres, options => (options.MaxRepositoryBytes, options.SourceTimeout) = (4 * 1024 * 1024, TimeSpan.FromSeconds(20)));
        _git.Write("a.yaml", SampleEntries.Yaml(0));
        _git.Commit();
        var catalog = await rig.AddAsync(_git.Url);
        Assert.Equal(1, catalog.Entries);

        var big = new byte[16 * 1024 * 1024];
        Random.Shared.NextBytes(big);
        await File.WriteAllBytesAsync(Path.Combine(_git.Folder, "big.bin"), big, TestContext.Current.CancellationToken);
        _git.Commit();
        catalog = await rig.RefreshAsync(catalog);
        Assert.Contains("MaxRepositoryBytes", catalog.Report.Sources[0].Error, StringComparison.Ordinal);
        Assert.Equal(1, catalog.Entries);

        var away = $"{_git.Folder}-away";
        Directory.Move(_git.Folder, away);
        try
        {
            catalog = await rig.RefreshAsync(catalog);
            Assert.StartsWith("git: ", catalog.Report.Sources[0].Error, StringComparison.Ordinal);
            Assert.Equal(1, catalog.Entries);
        }
        finally
        {
            Directory.Move(away, _git.Folder);
        }

        var plain = Directory.CreateTempSubdirectory("obot-plain-");
        var others = await rig.AddAsync($"file://{plain.FullName}", "https://127.0.0.1:9/repo.git", $"{plain.FullName}/none", "ssh://git@127.0.0.1:9/repo.git");
        Assert.All(others.Report.Sources, source => Assert.False(string.IsNullOrWhiteSpace(source.Error), source.Url));
        plain.Delete();
        Assert.Empty(Directory.GetDirectories(rig.Work));
    }

    [Fact]
    public async Task Links_Submodules_AndHooks_AreNotFollowed()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        using var other = new GitRepository();
        other.Write("inner.yaml", SampleEntries.Yaml(7));
        other.Commit();
        var secret = Path.Combine(Path.GetTempPath(), $"obot-secret-{Guid.NewGuid():N}.yaml");
        await File.WriteAllTextAsync(secret, SampleEntries.Yaml(8), TestContext.Current.CancellationToken);
        var touched = $"{secret}.hook";
        try
        {
            _git.Write("good.yaml", SampleEntries.Yaml(0));
            File.CreateSymbolicLink(Path.Combine(_git.Folder, "out.yaml"), secret);
            _git.Run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.Url, "module");
            foreach (var hook in new[] { "post-checkout", "post-merge", "reference-transaction", "post-upload-pack" })
            {
                var file = Path.Combine(_git.Folder, ".git", "hooks", hook);
                await File.WriteAllTextAsync(file, $"#!/bin/sh\ntouch '{touched}'\n", TestContext.Current.CancellationToken);
                File.SetUnixFileMode(file, (UnixFileMode)0b111_101_101);
            }

            _git.Write(".gitattributes", "*.yaml filter=evil");
            _git.Run("-c", "core.hooksPath=/dev/null", "add", "--all");
            _git.Run("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "traps");

            var fromGit = await rig.AddAsync(_git.Url);
            Assert.Equal(1, fromGit.Entries);
            Assert.False(File.Exists(touched));

            // the working copy as a directory: the link is not followed either, the folder of the submodule is one like any other
            var fromFolder = await rig.AddAsync(_git.Folder);
            Assert.DoesNotContain(await rig.AllAsync(query: new(fromFolder.Id)), entry => entry.Manifest.Name == "Server 008");
        }
        finally
        {
            File.Delete(secret);
            File.Delete(touched);
        }
    }

    [Fact]
    public async Task Branch_Folder_AndTwoSources_AreToldApart()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        using var other = new GitRepository();
        other.Write("a.yaml", SampleEntries.Yaml(0));
        other.Commit();
        _git.Write("a.yaml", SampleEntries.Yaml(0));
        _git.Commit();
        _git.Run("checkout", "--quiet", "-b", "next");
        _git.Write("deep/er/b.yaml", SampleEntries.Yaml(1));
        _git.Commit();

        var folder = await rig.AddAsync($"{_git.Url}#next:deep");
        Assert.Equal("er/b.yaml", (await rig.AllAsync(query: new(folder.Id))).Single().Path);
        Assert.NotNull((await rig.AddAsync($"{_git.Url}#none")).Report.Sources[0].Error);

        var both = await rig.AddAsync($"{_git.Url}#main", other.Url);
        var entries = await rig.AllAsync(query: new(both.Id));
        Assert.Equal(["Server 000", "Server 000"], entries.Select(entry => entry.Manifest.Name));
        Assert.Equal(2, entries.Select(entry => entry.Id).Distinct().Count());
        Assert.Equal(2, entries.Select(entry => entry.SourceURL).Distinct().Count());
    }
}
