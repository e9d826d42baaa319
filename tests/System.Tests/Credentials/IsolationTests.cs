using System.Text;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>
/// Secrets stay where they belong: everything that a process shows to its machine (environment, command line, open files), every file of the
/// platform and a dump of its database is searched for planted ones.
/// </summary>
public sealed class IsolationTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    private const string ServerSecret = "PLANTED-env-of-the-server";
    private const string FileSecret = "PLANTED-file-of-the-server";
    private const string HeaderSecret = "PLANTED-header-of-the-owner";
    private const string StaticSecret = "PLANTED-static-header";
    private const string ClientSecret = "PLANTED-static-client-secret";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task PlantedSecrets_AreFoundOnlyWhereTheyBelong()
    {
        await ThirdParty.TellAsync(new { ttl = 3600, account = "alice", decline = false });
        await using var upstream = await MetadataServer.StartAsync();
        upstream.KeepsHeaders = true;
        var hosted = await Cluster.CreateServerAsync(Manifests.Npx("isolated", Manifests.Memory, [new { key = "SECRET_ENV", sensitive = true, required = true }, new { key = "SECRET_FILE", sensitive = true, file = true, value = FileSecret }]));
        var remote = await MakeAsync("isolated third party");
        var headers = await Cluster.CreateServerAsync(new
        {
            name = "isolated headers",
            runtime = "remote",
            remoteConfig = new { fixedURL = upstream.Url.ToString(), headers = new object[] { new { key = "X-Api-Key", sensitive = true, required = true }, new { key = "X-Static", sensitive = true, value = StaticSecret } } },
        });
        await PostAsync($"/api/mcp-servers/{hosted.Id}/configure", new Dictionary<string, string> { ["SECRET_ENV"] = ServerSecret });
        await PostAsync($"/api/mcp-servers/{headers.Id}/configure", new Dictionary<string, string> { ["X-Api-Key"] = HeaderSecret });
        await PostAsync($"/api/mcp-servers/{headers.Id}/oauth-credentials", new { clientID = "entered-by-hand", clientSecret = ClientSecret });
        using var owner = await Visitor.OwnerAsync(Cluster);
        await ConnectAsync(owner, remote);
        using var hostedMcp = Cluster.Connect(hosted);
        await hostedMcp.CallAsync("tools/list");
        using var remoteMcp = Cluster.Connect(remote);
        Assert.Contains("alice", (await remoteMcp.ToolAsync("whoami")).Text, StringComparison.Ordinal);
        using var headersMcp = Cluster.Connect(headers);
        Assert.NotNull((await headersMcp.ToolAsync("any")).Result);
        Assert.Contains(HeaderSecret, upstream.Kept!, StringComparison.Ordinal);
        Assert.Contains(StaticSecret, upstream.Kept!, StringComparison.Ordinal);

        var tokens = (await ThirdParty.SeenAsync()).Tokens.OfType<string>().TakeLast(8).ToArray();
        Assert.NotEmpty(tokens);
        string[] planted = [ServerSecret, FileSecret, HeaderSecret, StaticSecret, ClientSecret, .. tokens];
        var found = new List<string>();

        // processes: only the server itself, below its bridge, has its environment
        var bridge = (await Cluster.DetailsAsync(hosted.Id)).Processes!.Single(process => process.Role == "bridge").Pid;
        var server = Proc.Descendants(bridge);
        var all = Cluster.SiloPids().OfType<int>().Concat(Cluster.HostedPids()).Distinct().ToList();
        Assert.Contains(server, pid => Proc.Environment(pid).Any(entry => entry.Contains(ServerSecret, StringComparison.Ordinal)));
        foreach (var pid in all)
        {
            Look(found, $"command line of {pid}", string.Join('\n', Proc.CommandLine(pid)), planted);
            Look(found, $"environment of {pid}", string.Join('\n', Proc.Environment(pid)), server.Contains(pid) ? [.. planted.Except([ServerSecret])] : planted);
            Look(found, $"open files of {pid}", OpenFiles(pid), planted);
        }

        // files: all of the data folder, the database's own included; the file that the manifest asks for is the server's
        var files = 0;
        foreach (var path in Directory.EnumerateFiles(Cluster.Data, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint }))
        {
            if (path.Contains("/packages/", StringComparison.Ordinal) || (path.Contains($"/files/{hosted.Id}", StringComparison.Ordinal) && path.EndsWith("/SECRET_FILE", StringComparison.Ordinal)))
            {
                continue;
            }

            files++;
            Look(found, path, await ReadAsync(path), planted);
        }

        var dump = await DumpAsync();
        Assert.Contains("third_party_clients", dump, StringComparison.Ordinal);
        Look(found, "pg_dump", dump, planted);
        using (var openApi = await Cluster.SendAsync(HttpMethod.Get, "/openapi/v1.json"))
        {
            Look(found, "OpenAPI", await openApi.Content.ReadAsStringAsync(), planted);
        }

        Output.WriteLine($"{planted.Length} planted secrets, {all.Count} processes, {files} files and {dump.Length / 1024} KiB of pg_dump searched: {found.Count} found where they do not belong (bound 0)");
        Assert.Empty(found);
        foreach (var one in new[] { hosted, remote, headers })
        {
            await Cluster.DeleteAsync(one.Id);
        }
    }

    private static void Look(List<string> found, string where, string text, string[] secrets)
    {
        found.AddRange(secrets.Where(secret => text.Contains(secret, StringComparison.Ordinal)).Select(secret => $"{secret} in {where}"));

        // and as a dump writes binary columns
        found.AddRange(secrets.Where(secret => text.Contains(Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret)), StringComparison.Ordinal)).Select(secret => $"{secret} in {where} (hexadecimal)"));
    }

    private static string OpenFiles(int pid)
    {
        try
        {
            return string.Join('\n', Directory.GetFileSystemEntries($"/proc/{pid}/fd").Select(entry => new FileInfo(entry).LinkTarget));
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Bytes as text: every byte a character.</summary>
    private static async Task<string> ReadAsync(string path)
    {
        try
        {
            return Encoding.Latin1.GetString(await File.ReadAllBytesAsync(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private async Task<string> DumpAsync()
    {
        var port = File.ReadLines(Path.Combine(Cluster.Data, "postgres", "data", "postmaster.pid")).ElementAt(3);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PGPASSWORD"] = (await File.ReadAllTextAsync(Path.Combine(Cluster.Data, "postgres.password"))).Trim() };
        return (await ProcessRunner.RunAsync("pg_dump", ["-h", "127.0.0.1", "-p", port, "-U", "obot", "-d", "obot"], Limit, environment)).Checked().Output;
    }

    private async Task PostAsync(string path, object body)
    {
        using var answer = await Cluster.SendAsync(HttpMethod.Post, path, body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
