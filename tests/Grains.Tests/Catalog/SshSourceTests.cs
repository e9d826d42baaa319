using Obot.Grains.Abstractions.Catalog;

namespace Obot.Grains.Tests.Catalog;

/// <summary>Catalogs behind a real SSH server: who gets in, and whom we let be the server.</summary>
[Collection(nameof(PostgresTests))]
public sealed class SshSourceTests(Postgres postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Key_OpensTheRepository_AndAnotherDoesNot()
    {
        await using var ssh = await ServerAsync();
        await using var rig = await CatalogRig.CreateAsync(postgres);
        using var git = Repository();
        var url = ssh.Url(git.Folder);

        Assert.StartsWith("git: ", (await AddAsync(rig, url, null)).Report.Sources[0].Error, StringComparison.Ordinal);
        var refused = await AddAsync(rig, url, ssh.Stranger());
        Assert.Contains("Permission denied", refused.Report.Sources[0].Error, StringComparison.Ordinal);
        var opened = await AddAsync(rig, url, ssh.Key);
        Assert.Equal((null, 1, git.Run("rev-parse", "HEAD")), (opened.Report.Sources[0].Error, opened.Entries, opened.Report.Sources[0].Commit));
        Assert.Equal("servers/a.yaml", (await rig.AllAsync(query: new(opened.Id))).Single().Path);

        git.Write("servers/b.yaml", SampleEntries.Yaml(1));
        git.Commit();
        Assert.Equal(1, (await rig.RefreshAsync(opened)).Report.Added);
        Assert.Equal(1, (await AddAsync(rig, $"{url}#main:servers", ssh.Key)).Report.Sources.Count(source => source.Error is null));
        Assert.DoesNotContain(Directory.GetFiles(rig.Work, "key", SearchOption.AllDirectories), _ => true);
        Assert.Empty(Directory.GetDirectories(rig.Work));
    }

    /// <summary>Somebody else answers in the server's place: once known, another host key is refused; with a file of known hosts, an unknown one is.</summary>
    [Fact]
    public async Task HostKey_ThatIsNotTheKnownOne_GetsNothing()
    {
        await using var ssh = await ServerAsync();
        using var git = Repository();
        var known = Path.GetTempFileName();
        try
        {
            await using var rig = await CatalogRig.CreateAsync(postgres, options => options.SshKnownHostsFile = known);
            var unknown = await AddAsync(rig, ssh.Url(git.Folder), ssh.Key);
            Assert.Contains("Host key verification failed", unknown.Report.Sources[0].Error, StringComparison.Ordinal);
            await using (var other = await ServerAsync())
            {
                await File.WriteAllTextAsync(known, $"{ssh.KnownHost.Split(' ', 2)[0]} {other.KnownHost.Split(' ', 2)[1]}", Cancellation);
                Assert.Contains("Host key verification failed", (await rig.RefreshAsync(unknown)).Report.Sources[0].Error, StringComparison.Ordinal);
            }

            await File.WriteAllTextAsync(known, ssh.KnownHost, Cancellation);
            Assert.Null((await rig.RefreshAsync(unknown)).Report.Sources[0].Error);
        }
        finally
        {
            File.Delete(known);
        }
    }

    private static async Task<SshServer> ServerAsync()
    {
        Assert.SkipWhen(SshServer.Program is null, "LEFT OUT: sshd is missing (apt-get install openssh-server)");
        return await SshServer.StartAsync(Cancellation);
    }

    private static GitRepository Repository()
    {
        var git = new GitRepository();
        git.Write("servers/a.yaml", SampleEntries.Yaml(0));
        git.Commit();
        return git;
    }

    private static Task<CatalogView> AddAsync(CatalogRig rig, string url, string? key) => rig.Catalogs.Create(
        CatalogRig.Admin,
        new NewCatalog { SourceURLs = [url], SourceURLCredentials = key is null ? null : new Dictionary<string, string>(StringComparer.Ordinal) { [url] = key } },
        default);
}
