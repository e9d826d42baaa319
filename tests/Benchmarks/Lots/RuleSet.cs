using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;

namespace Obot.Benchmarks.Lots;

/// <summary>
/// A thousand access rules over the measured server, each for a group of its own, every third with a list of tools, and a caller who is no owner:
/// their one rule names tools, so every call is judged by its name.
/// </summary>
internal static class RuleSet
{
    public const int Count = 1000;
    private const int AtOnce = 8;
    private const string User = "u1bench";
    private const string KeyId = "ak1benchbench";

    /// <returns>The caller's API key.</returns>
    public static async Task<string> MakeAsync(HttpClient http, string data, string serverId)
    {
        var key = $"obot_{KeyId[..8]}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        await ExecuteAsync(data, string.Create(CultureInfo.InvariantCulture, $"""
            INSERT INTO users (id, name, role, created_at) VALUES ('{User}', 'Bench', 'Basic', now());
            INSERT INTO groups (id, provider_id, external_id, name, created_at) SELECT 'g' || i, '', 'g' || i, 'g' || i, now() FROM generate_series(0, {Count - 1}) i;
            INSERT INTO group_members (group_id, user_id) VALUES ('g3', '{User}');
            INSERT INTO api_keys (id, user_id, name, prefix, hash, scopes, created_at) VALUES ('{KeyId}', '{User}', 'bench', 'obot_{KeyId[..8]}', '\x{hash}', ARRAY['mcp'], now());
            """));
        await Parallel.ForAsync(0, Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, cancellationToken) =>
        {
            var rule = new
            {
                displayName = $"rule {i}",
                subjects = new[] { new { type = "group", id = $"g{i}" } },
                resources = new[] { new { type = "mcpServer", id = serverId } },
                tools = i % 3 == 0 ? new[] { "ech*", $"tool_{i}", $"read_{i}_*" } : null,
            };
            using var response = await http.PostAsJsonAsync(new Uri("/api/access-control-rules", UriKind.Relative), rule, cancellationToken);
            response.EnsureSuccessStatusCode();
        });
        return key;
    }

    private static async Task ExecuteAsync(string data, string sql)
    {
        var start = new ProcessStartInfo(
            "psql",
            ["-h", "127.0.0.1", "-p", (await File.ReadAllLinesAsync(Path.Combine(data, "postgres", "data", "postmaster.pid")))[3], "-U", "obot", "-d", "obot", "-v", "ON_ERROR_STOP=1", "-q", "-c", sql])
        {
            UseShellExecute = false,
        };
        start.Environment["PGPASSWORD"] = (await File.ReadAllTextAsync(Path.Combine(data, "postgres.password"))).Trim();
        using var psql = Process.Start(start) ?? throw new InvalidOperationException("psql did not start");
        await psql.WaitForExitAsync();
        if (psql.ExitCode != 0)
        {
            throw new InvalidOperationException($"psql ended with {psql.ExitCode}");
        }
    }
}
