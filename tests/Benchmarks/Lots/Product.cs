using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Obot.Benchmarks.Fixtures;
using Obot.Benchmarks.Identity;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Lots;

/// <summary>One silo with everything, and a remote server behind its guard.</summary>
internal sealed class Product : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string data;
    private readonly Child silo;
    private readonly HttpClient http;
    private string? key;

    private Product(string data, int port)
    {
        this.data = data;
        var url = $"http://127.0.0.1:{port}";
        var token = $"bench-{Guid.CreateVersion7():N}";
        http = new() { BaseAddress = new(url), Timeout = Patience };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        silo = Child.Start("dotnet", [Repository.Silo, "--data", data, "--url", url], new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Obot__Silo__SiloPort"] = Text(Child.FreePort()),
            ["Obot__Silo__GatewayPort"] = Text(Child.FreePort()),
            ["Obot__Guard__ListenPort"] = Text(Child.FreePort()),
            ["Obot__Hosting__ShimPath"] = Repository.Shim,
            ["Obot__Auth__BootstrapToken"] = token,
            ["Obot__Llm__MaxOpenPerUser"] = "1024",
        });
    }

    /// <summary>Of the silo.</summary>
    public int Pid => silo.Pid;

    /// <summary>The API, as the owner.</summary>
    public HttpClient Http => http;

    /// <summary>Resident bytes of the guard a few seconds after its start, its control channel connected and no call made.</summary>
    public long GuardIdleBytes { get; private set; }

    /// <summary>What it costs to sign in and to get a token.</summary>
    public Task<IdentityFigure> IdentityAsync() => IdentityFigure.TakeAsync(http, "ms1bench");

    /// <summary>The product's own PostgreSQL.</summary>
    public async Task<string> DatabaseAsync()
    {
        var port = (await File.ReadAllLinesAsync(Path.Combine(data, "postgres", "data", "postmaster.pid")))[3];
        return $"Host=127.0.0.1;Port={port};Username=obot;Database=postgres;Password={(await File.ReadAllTextAsync(Path.Combine(data, "postgres.password"))).Trim()}";
    }

    public static async Task<Product> StartAsync(Scratch scratch)
    {
        var product = new Product(Path.Combine(scratch.Folder, "data"), Child.FreePort());
        try
        {
            await product.ReadyAsync();
            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    /// <summary>The echo server behind the gateway, called by somebody whom one of a thousand rules lets in, with an API key for <c>mcp</c> only.</summary>
    public async Task<Lot> ServeAsync(Uri echo)
    {
        var id = await MakeAsync(echo);
        key = await RuleSet.MakeAsync(http, data, id);
        var guard = await LaunchAsync(id);
        await Task.Delay(TimeSpan.FromSeconds(3));
        GuardIdleBytes = Proc.ResidentBytes(guard);
        return new(Lot.Governed, new Uri(http.BaseAddress!, $"/mcp-connect/{id}"), () => [silo.Pid, guard], key);
    }

    /// <summary>The same echo server once more, with filters, for the same caller. After <see cref="ServeAsync"/>.</summary>
    public async Task<Lot> ServeFilteredAsync(string name, Uri echo, object[] filters)
    {
        var id = await MakeAsync(echo);
        var resources = new[] { new { type = "mcpServer", id } };
        await PostAsync("/api/access-control-rules", new { displayName = name, subjects = new[] { new { type = "selector", id = "*" } }, resources });
        foreach (var filter in filters)
        {
            var body = JsonSerializer.SerializeToNode(filter, JsonSerializerOptions.Web)!;
            body["resources"] = JsonSerializer.SerializeToNode(resources);
            await PostAsync("/api/mcp-webhook-validations", body);
        }

        var guard = await LaunchAsync(id);
        return new(name, new Uri(http.BaseAddress!, $"/mcp-connect/{id}"), () => [silo.Pid, guard], key);
    }

    /// <summary>The same echo server, to which the guard brings a header that it exchanged for the caller. After <see cref="ServeAsync"/>.</summary>
    public async Task<Lot> ServeExchangedAsync(Uri echo)
    {
        var id = await MakeAsync(echo, new { key = "X-Api-Key", required = true, sensitive = true, prefix = "Key " });
        await PostAsync($"/api/mcp-servers/{id}/configure", new Dictionary<string, string>(StringComparer.Ordinal) { ["X-Api-Key"] = "bench-0123456789abcdef0123456789abcdef" });
        await PostAsync("/api/access-control-rules", new { displayName = Lot.Exchanged, subjects = new[] { new { type = "selector", id = "*" } }, resources = new[] { new { type = "mcpServer", id } }, tools = new[] { "ech*" } });
        var guard = await LaunchAsync(id);
        return new(Lot.Exchanged, new Uri(http.BaseAddress!, $"/mcp-connect/{id}"), () => [silo.Pid, guard], key);
    }

    /// <summary>A model behind the LLM gateway, with a policy, a budget that every call counts against, and a key for <c>llm</c> only.</summary>
    public async Task<(Uri Url, string Key)> ServeModelsAsync(Uri upstream)
    {
        await PostAsync("/api/model-providers", new { id = "bench", kind = "openai-compatible", baseURL = new Uri(upstream, "/v1").ToString() });
        await PostAsync("/api/model-access-policies", new { displayName = "bench", subjects = new[] { new { type = "selector", id = "*" } }, models = new[] { new { id = "bench" } } });
        await PostAsync("/api/llm-budgets", new { displayName = "bench", subject = new { type = "user", id = "*" }, period = "month", tokens = 1_000_000_000_000 });
        var llmKey = (await PostAsync("/api/api-keys", new { name = "bench", scopes = new[] { "llm" } })).GetProperty("key").GetString()!;
        await Task.Delay(TimeSpan.FromSeconds(1));
        return (new(http.BaseAddress!, "/api/llm-proxy/openai/v1/chat/completions"), llmKey);
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await silo.DisposeAsync();

        // the database outlives silos by design; this one's data is of this run only
        var postmaster = Path.Combine(data, "postgres", "data", "postmaster.pid");
        if (File.Exists(postmaster) && int.TryParse((await File.ReadAllLinesAsync(postmaster))[0], CultureInfo.InvariantCulture, out var pid) && Proc.Exists(pid))
        {
            Signals.Send(pid, Signal.Terminate);
            for (var waited = 0; waited < 100 && Proc.Exists(pid); waited++)
            {
                await Task.Delay(100);
            }
        }
    }

    private async Task<string> MakeAsync(Uri echo, params object[] headers)
    {
        var manifest = new { name = "echo", shortDescription = "made by the benchmark", serverUserType = "multiUser", runtime = "remote", remoteConfig = new { fixedURL = new Uri(echo, "/mcp"), headers } };
        return (await PostAsync("/api/mcp-servers", new { manifest })).GetProperty("id").GetString()!;
    }

    /// <summary>Process of the guard.</summary>
    private async Task<int> LaunchAsync(string id)
    {
        await PostAsync($"/api/mcp-servers/{id}/launch", body: null);
        var processes = (await http.GetFromJsonAsync<JsonElement>(new Uri($"/api/mcp-servers/{id}/details", UriKind.Relative))).GetProperty("processes");
        return processes.EnumerateArray().Single(process => process.GetProperty("role").GetString() == "guard").GetProperty("pid").GetInt32();
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private async Task ReadyAsync()
    {
        _ = DrainAsync();
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            limit.Token.ThrowIfCancellationRequested();
            if (silo.HasExited)
            {
                throw new InvalidOperationException("the silo ended before it was ready");
            }

            try
            {
                using var response = await http.GetAsync(new Uri("/readyz", UriKind.Relative), limit.Token);
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // not listening yet
            }

            await Task.Delay(200, limit.Token);
        }
    }

    private async Task DrainAsync()
    {
        while (await silo.Output.ReadLineAsync() is { } line)
        {
            await Console.Error.WriteLineAsync($"silo: {line}");
        }
    }

    private async Task<JsonElement> PostAsync(string path, object? body)
    {
        using var response = body is null ? await http.PostAsync(new Uri(path, UriKind.Relative), content: null) : await http.PostAsJsonAsync(new Uri(path, UriKind.Relative), body);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? JsonSerializer.Deserialize<JsonElement>(text) : throw new InvalidOperationException($"{path} → {(int)response.StatusCode} {text}");
    }
}
