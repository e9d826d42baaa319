using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Docker;

/// <summary>A registry on this machine (<c>docker-registry serve</c>), open or with a password.</summary>
internal sealed class LocalRegistry : IAsyncDisposable
{
    public const string User = "puller";
    public const string Password = "s3cret-pull";

    /// <summary>bcrypt of <see cref="Password"/>.</summary>
    private const string Hash = "$2b$05$abcdefghijklmnopqrstuu8YiNQeALDquttzdJ8JTU2sZhhUyTzGK";

    private readonly Scratch folder;
    private readonly Process process;

    private LocalRegistry(Process process, Scratch folder, string address)
    {
        this.process = process;
        this.folder = folder;
        Address = address;
    }

    /// <summary><c>127.0.0.1:port</c>: engines take loopback registries without TLS.</summary>
    public string Address { get; }

    public static async Task<LocalRegistry> StartAsync(bool withPassword)
    {
        var scratch = new Scratch("registry");
        var address = $"127.0.0.1:{ObotCluster.FreePort()}";
        var passwords = Path.Combine(scratch.Folder, "htpasswd");
        await File.WriteAllTextAsync(passwords, $"{User}:{Hash}\n");
        var config = Path.Combine(scratch.Folder, "registry.yml");
        await File.WriteAllTextAsync(config, $"""
            version: 0.1
            log: {"{level: error}"}
            storage: {"{"}filesystem: {"{"}rootdirectory: {Path.Combine(scratch.Folder, "data")}{"}}"}
            http: {"{"}addr: '{address}'{"}"}
            {(withPassword ? $"auth: {"{"}htpasswd: {"{"}realm: tests, path: {passwords}{"}}"}" : "")}
            """);
        var started = Process.Start(new ProcessStartInfo("docker-registry", ["serve", config]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("docker-registry did not start");
        started.ErrorDataReceived += (_, _) => { };
        started.OutputDataReceived += (_, _) => { };
        started.BeginErrorReadLine();
        started.BeginOutputReadLine();
        using var http = new HttpClient();
        await Eventually.ReadAsync(
            $"registry {address}",
            "answers",
            TimeSpan.FromSeconds(10),
            async () =>
            {
                try
                {
                    using var answer = await http.GetAsync(new Uri($"http://{address}/v2/"));
                    return (int)answer.StatusCode;
                }
                catch (HttpRequestException)
                {
                    return 0;
                }
            },
            status => status is 200 or 401);
        return new(started, scratch, address);
    }

    /// <summary>Puts a local image under a name of this registry and takes that name away locally, so that a start has to pull.</summary>
    public async Task<string> PushAsync(string local, string name, bool withPassword = false)
    {
        var remote = $"{Address}/{name}";
        if (withPassword)
        {
            using var config = new Scratch("docker-config");
            await File.WriteAllTextAsync(Path.Combine(config.Folder, "config.json"), ConfigJson(Address));
            await DockerEngine.RunAsync("tag", local, remote);
            await DockerEngine.RunAsync("--config", config.Folder, "push", "-q", remote);
        }
        else
        {
            await DockerEngine.RunAsync("tag", local, remote);
            await DockerEngine.RunAsync("push", "-q", remote);
        }

        await DockerEngine.RunAsync("rmi", remote);
        return remote;
    }

    /// <summary>What <c>docker login</c> writes.</summary>
    public static string ConfigJson(string address)
    {
        var pair = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{User}:{Password}"));
        return new System.Text.Json.Nodes.JsonObject { ["auths"] = new System.Text.Json.Nodes.JsonObject { [address] = new System.Text.Json.Nodes.JsonObject { ["auth"] = pair } } }.ToJsonString();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
        folder.Dispose();
    }
}
