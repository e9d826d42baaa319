using System.Diagnostics;
using System.Net;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.OAuth;

/// <summary>Two silos that may read documents at <c>localhost</c>, and a site there that they trust.</summary>
public sealed class MetadataDocumentCluster : IAsyncLifetime
{
    private DocumentHost? documents;
    private ObotCluster? cluster;

    internal DocumentHost Documents => documents ?? throw new InvalidOperationException("not started");

    internal ObotCluster Cluster => cluster ?? throw new InvalidOperationException("not started");

    public async ValueTask InitializeAsync()
    {
        documents = await DocumentHost.StartAsync();
        cluster = await ObotCluster.StartAsync(
            silos: 2, ("Obot__Outbound__AllowedHosts__0", "localhost"), ("Obot__Outbound__Timeout", "00:00:01"), ("SSL_CERT_FILE", documents.TrustFile));
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }

        if (documents is not null)
        {
            await documents.DisposeAsync();
        }
    }
}

/// <summary>Clients that are known by a document of their own: the platform reads what a stranger names, and nothing that it should not.</summary>
public sealed class MetadataDocumentTests(MetadataDocumentCluster shared, ITestOutputHelper output) : IClassFixture<MetadataDocumentCluster>
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private ObotCluster Cluster => shared.Cluster;

    private DocumentHost Documents => shared.Documents;

    private string Resource => $"{Cluster.Urls[0].GetLeftPart(UriPartial.Authority)}/mcp-connect/ms1nowhere";

    /// <summary>A name, the client's id, and what the page says. <c>PORT</c> is the site's.</summary>
    public static TheoryData<string, string, string> Attacks => new()
    {
        { "loopback by address", "https://127.0.0.1:PORT/loopback.json", "not a host of the public internet" },
        { "loopback by IPv6 address", "https://[::1]:PORT/loopback.json", "not a host of the public internet" },
        { "private address", "https://10.0.0.1/client.json", "not a host of the public internet" },
        { "link-local address", "https://169.254.169.254/latest/meta-data", "not a host of the public internet" },
        { "IPv4-mapped address", "https://[::ffff:a9fe:a9fe]/client.json", "normal form" },
        { "redirecting document", "https://localhost:PORT/redirecting.json", "redirects are not followed" },
        { "huge document", "https://localhost:PORT/huge.json", "is longer than 32768 bytes" },
        { "slow document", "https://localhost:PORT/slow.json", "did not answer within 1 s" },
        { "document of another client", "https://localhost:PORT/another.json", "client_id is not its own URL" },
        { "document with a secret", "https://localhost:PORT/secret.json", "can hold no secret" },
        { "no JSON", "https://localhost:PORT/text.json", "is not JSON client metadata" },
        { "user", "https://user@localhost:PORT/user.json", "in normal form" },
        { "fragment", "https://localhost:PORT/fragment.json#x", "in normal form" },
        { "dot segments", "https://localhost:PORT/x/../dots.json", "in normal form" },
        { "empty path", "https://localhost:PORT/", "in normal form" },
        { "no path", "https://localhost:PORT", "in normal form" },
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Document_OfAnAttacker_IsRefusedOnAPage(string name, string clientId, string reason)
    {
        clientId = clientId.Replace("PORT", $"{Documents.Port}", StringComparison.Ordinal);
        using var nobody = new Visitor(Cluster.Urls[0]);
        using var client = new OAuthClient(Cluster.Urls[0]) { ClientId = clientId };
        var clock = Stopwatch.StartNew();
        using var response = await nobody.Http.GetAsync(client.AuthorizeUrl(Resource));
        output.WriteLine($"{name}: {(int)response.StatusCode} after {clock.ElapsedMilliseconds} ms");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{clock.Elapsed}");
        var page = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Null(response.Headers.Location);
        Assert.Contains(reason, page, StringComparison.Ordinal);
        Assert.Contains("<code>invalid_client</code>", page, StringComparison.Ordinal);
        Assert.Equal(0, ((string[])["/", "/loopback.json", "/user.json", "/fragment.json", "/dots.json"]).Sum(Documents.Reads));
    }

    [Fact]
    public async Task Document_ReadOnce_ServesBothSilosWhileItIsFresh()
    {
        var (first, second) = await NamesAsync("/fresh.json");
        Assert.Equal(("reading 1", "reading 1"), (first, second));
        Assert.Equal(1, Documents.Reads("/fresh.json"));
    }

    [Fact]
    public async Task Document_NotToBeStored_IsReadAgain()
    {
        var (first, second) = await NamesAsync("/volatile.json");
        Assert.Equal(("reading 1", "reading 2"), (first, second));
        Assert.Equal(2, Documents.Reads("/volatile.json"));
    }

    [Fact]
    public async Task Redirect_NotInTheDocument_IsNeverFollowed()
    {
        using var person = await Visitor.OwnerAsync(Cluster);
        using var client = new OAuthClient(Cluster.Urls[0]) { ClientId = Documents.Url("/redirects.json") };
        using var response = await person.Http.GetAsync(client.AuthorizeUrl(Resource, ("redirect_uri", "https://evil.example/callback")));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Null(response.Headers.Location);
        Assert.Equal(1, Documents.Reads("/redirects.json"));
    }

    [Fact]
    public async Task Inspector_WithADocument_SignsInWithoutRegistrationAndCalls()
    {
        await Npm.EnsureInstalledAsync();
        using var browser = await Browser.OpenAsync(Cluster);
        var server = await Cluster.CreateServerAsync(Manifests.Npx("document inspector", Manifests.Everything));
        string[] arguments =
        [
            "--cli", Cluster.Endpoint(server).ToString(), "--transport", "http", "--method", "tools/call", "--tool-name", "echo", "--tool-arg", "message=hello",
            "--connect-timeout", "90000", "--callback-url", $"http://127.0.0.1:{ObotCluster.FreePort()}/oauth/callback", "--client-metadata-url", Documents.Url("/client.json"),
        ];
        var result = await ProcessRunner.RunAsync(Npm.Command("mcp-inspector"), arguments, Limit, browser.Environment);
        Assert.Contains("hello", result.Checked().Output, StringComparison.Ordinal);
        Assert.Equal(1, Documents.Reads("/client.json"));
    }

    /// <summary>The client's name as two consent pages show it, one of each silo.</summary>
    private async Task<(string First, string Second)> NamesAsync(string path)
    {
        using var person = await Visitor.OwnerAsync(Cluster);
        using var client = new OAuthClient(Cluster.Urls[0]) { ClientId = Documents.Url(path) };
        return (await NameAsync(0), await NameAsync(1));

        async Task<string> NameAsync(int silo)
        {
            var page = await person.Http.GetStringAsync(new Uri(Cluster.Urls[silo], client.AuthorizeUrl(Resource)));
            var (start, end) = (page.IndexOf("<h1>", StringComparison.Ordinal), page.IndexOf(" wants to connect", StringComparison.Ordinal));
            Assert.True(start >= 0 && end > start, page);
            return page[(start + 4)..end];
        }
    }
}
