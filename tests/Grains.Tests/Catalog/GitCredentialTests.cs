using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;

namespace Obot.Grains.Tests.Catalog;

/// <summary>Private repositories: how git gets the token, and who else does not.</summary>
[Collection(nameof(PostgresTests))]
public sealed class GitCredentialTests(Postgres postgres)
{
    private const string Token = "glpat-very-secret-0123456789";

    [Fact]
    public async Task Token_OpensAPrivateRepository_AndIsSeenByNobodyElse()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        using var git = new GitRepository();
        git.Write("a.yaml", SampleEntries.Yaml(0));
        git.Commit();
        await using var http = await GitHttp.StartAsync(git.Folder, "oauth2", Token);
        var url = $"{http.Url}/.git";

        var refused = await rig.AddAsync(url);
        Assert.Contains("git:", refused.Report.Sources[0].Error, StringComparison.Ordinal);
        var request = new NewCatalog { SourceURLs = [url], SourceURLCredentials = new Dictionary<string, string> { [url] = $"oauth2:{Token}" } };
        var opened = await rig.Catalogs.Update(CatalogRig.Admin, refused.Id, request, default);
        Assert.Null(opened!.Report.Sources[0].Error);
        Assert.Equal(1, opened.Entries);
        Assert.Equal([url], opened.SourceURLsWithCredential);
        Assert.Empty(http.Leaks);
        Assert.Empty(Directory.GetDirectories(rig.Work));

        // kept encrypted, never said in an error, kept when it is not sent again, gone when it is sent empty
        await using (var command = rig.DataSource.CreateCommand("SELECT row_to_json(c)::text FROM mcp_catalogs c WHERE id = $1"))
        {
            command.Parameters.Add(new() { Value = opened.Id });
            Assert.DoesNotContain("very-secret", (string)(await command.ExecuteScalarAsync())!, StringComparison.Ordinal);
        }

        Assert.Null((await rig.Catalogs.Update(CatalogRig.Admin, opened.Id, new() { SourceURLs = [url] }, default))!.Report.Sources[0].Error);
        var wrong = (await rig.Catalogs.Update(CatalogRig.Admin, opened.Id, request with { SourceURLCredentials = new Dictionary<string, string> { [url] = "oauth2:wrong-secret-token" } }, default))!;
        Assert.DoesNotContain("wrong-secret-token", wrong.Report.Sources[0].Error, StringComparison.Ordinal);
        Assert.Equal(1, wrong.Entries);
        Assert.Empty((await rig.Catalogs.Update(CatalogRig.Admin, opened.Id, request with { SourceURLCredentials = new Dictionary<string, string> { [url] = "" } }, default))!.SourceURLsWithCredential);
    }

    [Fact]
    public async Task Redirect_ToAnotherHost_GetsNoToken()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        using var git = new GitRepository();
        git.Write("a.yaml", SampleEntries.Yaml(0));
        git.Commit();
        await using var thief = await GitHttp.StartAsync(git.Folder, "oauth2", Token);
        await using var http = await GitHttp.StartAsync(git.Folder, "oauth2", Token);
        http.Redirect = thief.Url;
        var url = $"{http.Url}/.git";
        var catalog = await rig.Catalogs.Create(CatalogRig.Admin, new NewCatalog { SourceURLs = [url], SourceURLCredentials = new Dictionary<string, string> { [url] = $"oauth2:{Token}" } }, default);
        Assert.NotNull(catalog.Report.Sources[0].Error);
        Assert.Empty(thief.Presented);
    }

    [Fact]
    public async Task Credentials_OfTheWrongForm_AreRefused()
    {
        await using var rig = await CatalogRig.CreateAsync(postgres);
        foreach (var (url, credential) in new[] { ("https://git.example.com/a", "two\nlines"), ("ssh://git@git.example.com/a", "not a key"), ("/srv/catalog", "token") })
        {
            var refused = await Assert.ThrowsAsync<InvalidInputException>(() =>
                rig.Catalogs.Create(CatalogRig.Admin, new NewCatalog { SourceURLs = [url], SourceURLCredentials = new Dictionary<string, string> { [url] = credential } }, default));
            Assert.Equal($"sourceURLCredentials.{url}", refused.Field);
        }

        await Assert.ThrowsAsync<NotAllowedException>(() => rig.Catalogs.Create(CatalogRig.User("ann"), new NewCatalog { SourceURLs = ["/srv"] }, default));
    }
}
