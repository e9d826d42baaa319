using System.Globalization;
using System.Net.Sockets;

namespace Obot.Benchmarks.Fixtures;

/// <summary>An LLM gateway of others, from npm (<c>tests/Benchmarks/npm-gateway</c>), as its documentation starts it.</summary>
internal static class NpmGateway
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan InstallPatience = TimeSpan.FromMinutes(3);
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Benchmarks", "npm-gateway");

    /// <summary>What a request has to say so that it goes to the model.</summary>
    public static IReadOnlyList<(string Name, string Value)> Headers(Uri model) => [("x-portkey-provider", "openai"), ("x-portkey-custom-host", new Uri(model, "/v1").ToString()), ("Authorization", "Bearer bench")];

    public static async Task<(Child Child, Uri Url)> StartAsync()
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules")))
        {
            await using var install = Child.Start("npm", ["ci", "--prefix", Folder, "--no-audit", "--no-fund"]);
            await install.ReadToEndAsync().WaitAsync(InstallPatience);
        }

        var port = Child.FreePort();
        var child = Child.Start(
            "node",
            ["--import", Path.Combine(Folder, "loopback.mjs"), Path.Combine(Folder, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js"), $"--port={port.ToString(CultureInfo.InvariantCulture)}", "--headless"],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["TRUSTED_CUSTOM_HOSTS"] = "127.0.0.1", ["NODE_ENV"] = "production" });
        _ = child.Output.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", port, limit.Token);
                return (child, new Uri($"http://127.0.0.1:{port}/v1/chat/completions"));
            }
            catch (SocketException)
            {
                await Task.Delay(100, limit.Token);
            }
        }
    }
}
