using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>Two silos that may ask a third party on loopback, and that third party.</summary>
public sealed class CredentialCluster : IAsyncLifetime
{
    public const string Name = "credential cluster";
    private ObotCluster? cluster;
    private ThirdParty? thirdParty;

    internal ObotCluster Cluster => cluster ?? throw new InvalidOperationException("not started");

    internal ThirdParty ThirdParty => thirdParty ?? throw new InvalidOperationException("not started");

    public async ValueTask InitializeAsync()
    {
        thirdParty = await ThirdParty.StartAsync();
        cluster = await ObotCluster.StartAsync(2, ("Obot__Outbound__AllowedHosts__0", "127.0.0.1"), ("Obot__Outbound__AllowedHosts__1", "localhost"));
    }

    public async ValueTask DisposeAsync()
    {
        await (cluster?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (thirdParty?.DisposeAsync() ?? ValueTask.CompletedTask);
    }
}

[CollectionDefinition(CredentialCluster.Name)]
public sealed class CredentialClusterDefinition : ICollectionFixture<CredentialCluster>;

/// <summary>A test with an account at the third party.</summary>
[Collection(CredentialCluster.Name)]
public abstract class CredentialTest(CredentialCluster shared, ITestOutputHelper output) : IAsyncDisposable
{
    protected ITestOutputHelper Output => output;

    private protected ObotCluster Cluster => shared.Cluster;

    private protected ThirdParty ThirdParty => shared.ThirdParty;

    private protected Task<McpServer> MakeAsync(string name) => Cluster.CreateServerAsync(Manifests.Remote(name, ThirdParty.Server));

    /// <summary>Follows a link of ours through the third party and back, as a browser; returns where it ended and what it showed.</summary>
    private protected static async Task<(Uri At, HttpStatusCode Status, string Page)> FollowAsync(Visitor person, Uri url, int hops = 15)
    {
        for (var hop = 0; hop < hops; hop++)
        {
            using var answer = await person.Http.GetAsync(url);
            if (answer.Headers.Location is not { } next)
            {
                return (url, answer.StatusCode, await answer.Content.ReadAsStringAsync());
            }

            url = new Uri(url, next);
        }

        throw new InvalidOperationException($"the redirects do not end: {url}");
    }

    private protected async Task ConnectAsync(Visitor person, McpServer server)
    {
        var (at, status, page) = await FollowAsync(person, new Uri(person.Home, $"/oauth/mcp/connect/{server.Id}"));
        Assert.True(status is HttpStatusCode.OK && at.AbsolutePath == "/oauth/mcp/callback", $"{at} {status} {page}");
        Assert.Contains("Your account is connected", page, StringComparison.Ordinal);
    }

    private protected async Task<JsonNode> GetAsync(string path)
    {
        using var answer = await Cluster.SendAsync(HttpMethod.Get, path);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, body);
        return JsonNode.Parse(body)!;
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (TestContext.Current.TestState?.Result is TestResult.Failed)
        {
            output.WriteLine(Cluster.LogTail(120));
        }

        return ValueTask.CompletedTask;
    }
}
