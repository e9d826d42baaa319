using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>A certified authorization server and an MCP server that takes its tokens only: <c>tests/clients/third-party.mjs</c>.</summary>
internal sealed class ThirdParty : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Process process;
    private readonly SemaphoreSlim talking = new(1, 1);

    private ThirdParty(Process process, JsonNode first)
    {
        this.process = process;
        Issuer = first["issuer"]!.GetValue<string>();
        Server = new Uri(first["resource"]!.GetValue<string>());
    }

    public string Issuer { get; }

    /// <summary>The MCP server.</summary>
    public Uri Server { get; }

    /// <param name="dev">Its own pages ask the person at the browser.</param>
    public static async Task<ThirdParty> StartAsync(bool dev = false)
    {
        await Npm.EnsureInstalledAsync();
        var start = new ProcessStartInfo("node", [Path.Combine(Repository.Clients, "third-party.mjs"), .. dev ? ["dev"] : Array.Empty<string>()])
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        var started = Process.Start(start) ?? throw new InvalidOperationException("node did not start");
        using var patience = new CancellationTokenSource(Patience);
        while (await started.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith("{\"issuer\"", StringComparison.Ordinal))
            {
                return new(started, JsonNode.Parse(line)!);
            }
        }

        throw new InvalidOperationException($"the third party ended with {started.ExitCode} before it listened");
    }

    /// <summary>Changes how it behaves, and tells what it has seen.</summary>
    public async Task<Seen> TellAsync(object changes)
    {
        await talking.WaitAsync();
        try
        {
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(changes));
            await process.StandardInput.FlushAsync();
            using var patience = new CancellationTokenSource(Patience);
            while (true)
            {
                var line = await process.StandardOutput.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException("the third party is gone");
                if (line.StartsWith('{'))
                {
                    return JsonSerializer.Deserialize<Seen>(line, JsonSerializerOptions.Web)!;
                }
            }
        }
        finally
        {
            talking.Release();
        }
    }

    public Task<Seen> SeenAsync() => TellAsync(new { });

    public async ValueTask DisposeAsync()
    {
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        process.Dispose();
        talking.Dispose();
    }
}

/// <param name="Refreshes">Refresh tokens that were taken.</param>
/// <param name="RefreshRequests">Refresh requests that came.</param>
/// <param name="Codes">Codes that were redeemed.</param>
/// <param name="Denied">401 and 403 of the MCP server.</param>
/// <param name="Tokens">All that were ever issued.</param>
/// <param name="Foreign">Headers that should have stayed with us.</param>
internal sealed record Seen(int Refreshes, int RefreshRequests, int Codes, int Registrations, int Revocations, int Denied, int Calls, int Hung, IReadOnlyList<string?> Tokens, IReadOnlyList<string> Foreign);
