using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Obot.SystemTests.Rig;

/// <summary>The product, started by <c>./obot up -d</c> as a user would, on its own ports and data folder.</summary>
internal sealed class ObotCluster : IAsyncDisposable
{
    /// <summary>The first <c>up</c> of a checkout builds and may install.</summary>
    private static readonly TimeSpan UpLimit = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan DownLimit = TimeSpan.FromMinutes(1);
    private readonly int silos;
    private readonly int port;
    private readonly Dictionary<string, string> environment;
    private readonly Scratch scratch = new("data");

    private ObotCluster(int silos, IReadOnlyDictionary<string, string> settings)
    {
        this.silos = silos;
        port = FreePorts(silos);
        Token = $"test-{Guid.CreateVersion7():N}";
        environment = new Dictionary<string, string>(settings, StringComparer.Ordinal);
        environment.TryAdd("Obot__Auth__BootstrapToken", Token);
        Urls = [.. Enumerable.Range(port, silos).Select(number => new Uri($"http://127.0.0.1:{number}"))];
        Http = new HttpClient { BaseAddress = Urls[0], Timeout = TimeSpan.FromMinutes(5) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    /// <summary>One a silo, in the order of their ports.</summary>
    public IReadOnlyList<Uri> Urls { get; }

    /// <summary>The bootstrap token: the owner's rights on <c>/api</c> and <c>/mcp-connect</c>.</summary>
    public string Token { get; private set; }

    /// <summary>Management API of the first silo, with the token.</summary>
    public HttpClient Http { get; }

    /// <summary>What the last <c>up</c> printed.</summary>
    public IReadOnlyDictionary<string, string> Printed { get; private set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public string Data => Path.Combine(scratch.Folder, "data");

    public static async Task<ObotCluster> StartAsync(int silos = 1, params (string Key, string Value)[] settings)
    {
        var cluster = new ObotCluster(silos, settings.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal));
        try
        {
            await cluster.UpAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Silos with roles of their own, one after the other.</summary>
    public static async Task<ObotCluster> StartSplitAsync(params string[] roles)
    {
        var cluster = new ObotCluster(roles.Length, new Dictionary<string, string>(StringComparer.Ordinal));
        try
        {
            for (var silo = 1; silo <= roles.Length; silo++)
            {
                cluster.environment["Obot__Roles"] = roles[silo - 1];
                await cluster.UpAsync(silo);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Brings the cluster up; also again, on the same data.</summary>
    public Task<ProcessResult> UpAsync() => UpAsync(silos);

    private async Task<ProcessResult> UpAsync(int silos)
    {
        string[] arguments = ["up", "-d", "--url", Urls[0].GetLeftPart(UriPartial.Authority), "--data", Data, .. silos > 1 ? ["--silos", $"{silos}"] : Array.Empty<string>()];
        var result = await ProcessRunner.RunAsync(Repository.Script, arguments, UpLimit, environment);
        if (result.ExitCode != 0)
        {
            throw new InvalidOperationException($"{result}\n{LogTail()}");
        }

        if (environment["Obot__Auth__BootstrapToken"].Length == 0)
        {
            Token = (await File.ReadAllTextAsync(Path.Combine(Data, "bootstrap-token"))).Trim();
            Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        }

        Printed = result.Output.Split('\n').Select(line => line.Split(": ", 2)).Where(pair => pair.Length == 2)
            .GroupBy(pair => pair[0].Trim(), StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Last()[1].Trim(), StringComparer.Ordinal);
        return result;
    }

    public async Task<ProcessResult> DownAsync() =>
        (await ProcessRunner.RunAsync(Repository.Script, ["down", "--data", Data], DownLimit)).Checked();

    /// <summary>Processes of the silos, by their ports; null for one that is down.</summary>
    public IReadOnlyList<int?> SiloPids() => [.. Urls.Select(url => Proc.ListenerOf(url.Port))];

    /// <summary>Every process below the silos: guards, bridges, servers.</summary>
    public IReadOnlyList<int> HostedPids() => [.. SiloPids().OfType<int>().SelectMany(Proc.Descendants).Distinct()];

    /// <summary>Any request of the management API, with the token; the answer whatever its status.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null, int silo = 0)
    {
        using var request = new HttpRequestMessage(method, new Uri(Urls[silo], path)) { Content = body is null ? null : JsonContent.Create(body) };
        return await Http.SendAsync(request);
    }

    public async Task<McpServer> CreateServerAsync(object manifest)
    {
        using var response = await Http.PostAsJsonAsync("/api/mcp-servers", new { manifest });
        return await ReadAsync<McpServer>(response);
    }

    public async Task<McpServer> LaunchAsync(string id)
    {
        using var response = await Http.PostAsync(new Uri($"/api/mcp-servers/{id}/launch", UriKind.Relative), content: null);
        return await ReadAsync<McpServer>(response);
    }

    public async Task StopAsync(string id)
    {
        using var response = await Http.PostAsync(new Uri($"/api/mcp-servers/{id}/stop", UriKind.Relative), content: null);
        await CheckAsync(response);
    }

    public async Task DeleteAsync(string id)
    {
        using var response = await Http.DeleteAsync(new Uri($"/api/mcp-servers/{id}", UriKind.Relative));
        await CheckAsync(response);
    }

    public Task<McpServer> GetAsync(string id, int silo = 0) => ReadAsync<McpServer>($"/api/mcp-servers/{id}", silo);

    public Task<ServerDetails> DetailsAsync(string id, int silo = 0) => ReadAsync<ServerDetails>($"/api/mcp-servers/{id}/details", silo);

    public Task<ServerDetails> EventuallyAsync(string id, string phase, TimeSpan limit, Func<ServerDetails, bool> good, int silo = 0) =>
        Eventually.ReadAsync($"server {id}", phase, limit, () => DetailsAsync(id, silo), good);

    /// <summary>A new API key; the value is shown only now.</summary>
    public async Task<string> CreateKeyAsync(string name)
    {
        using var response = await Http.PostAsJsonAsync("/api/api-keys", new { name });
        return (await ReadAsync<ApiKey>(response)).Key;
    }

    /// <summary>The server's MCP endpoint as one of the silos offers it.</summary>
    public Uri Endpoint(McpServer server, int silo = 0) => new(Urls[silo], $"/mcp-connect/{server.Id}");

    public McpHttp Connect(McpServer server, int silo = 0) => new(Endpoint(server, silo), Token);

    public string LogTail(int lines = 80)
    {
        string[] files = Printed.TryGetValue("log", out var log) && File.Exists(log)
            ? [log]
            : Directory.Exists(Data) ? Directory.GetFiles(Data, "*.log", SearchOption.AllDirectories) : [];
        return string.Join('\n', files.SelectMany(file => File.ReadLines(file).TakeLast(lines).Prepend($"--- {Path.GetFileName(file)}")));
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (File.Exists(Repository.Script))
            {
                await ProcessRunner.RunAsync(Repository.Script, ["down", "--data", Data], DownLimit);
            }
        }
        finally
        {
            Http.Dispose();
            scratch.Dispose();
        }
    }

    private async Task<T> ReadAsync<T>(string path, int silo)
    {
        using var response = await Http.GetAsync(new Uri(Urls[silo], path));
        return await ReadAsync<T>(response);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response)
    {
        await CheckAsync(response);
        return await response.Content.ReadFromJsonAsync<T>(JsonSerializerOptions.Web) ?? throw new InvalidDataException("null instead of an object");
    }

    /// <summary>An error shows what the server said, not only its status.</summary>
    private static async Task CheckAsync(HttpResponseMessage response)
    {
        if (!response.IsSuccessStatusCode)
        {
            var body = await response.Content.ReadAsStringAsync();
            throw new HttpRequestException($"{response.RequestMessage?.Method} {response.RequestMessage?.RequestUri?.AbsolutePath} → {(int)response.StatusCode} {body}", inner: null, response.StatusCode);
        }
    }

    /// <summary>A port that nobody listens on just now.</summary>
    public static int FreePort() => FreePorts(1);

    /// <summary>The first of so many neighbouring free ports.</summary>
    private static int FreePorts(int count)
    {
        while (true)
        {
            var first = Random.Shared.Next(20_000, 30_000);
            if (Enumerable.Range(first, count).All(IsFree))
            {
                return first;
            }
        }
    }

    private static bool IsFree(int number)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, number);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
