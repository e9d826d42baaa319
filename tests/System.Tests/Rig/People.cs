using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Obot.SystemTests.Rig;

/// <summary>A user, and an API key for <c>mcp</c>, <c>api</c> and <c>llm</c>.</summary>
internal sealed record Person(string Id, string Key);

/// <summary>Users, groups and keys, written straight into the cluster's database with <c>psql</c>: there is no identity provider in these tests.</summary>
internal static class People
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <param name="role">Name of the role, e.g. <c>Basic</c>.</param>
    /// <param name="groups">Ids; made where they do not exist.</param>
    public static async Task<Person> AddAsync(ObotCluster cluster, string role, params string[] groups)
    {
        var id = $"u1{Random(10)}";
        var keyId = $"ak1{Random(10)}";
        var key = $"obot_{keyId[..8]}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        var sql = new StringBuilder("BEGIN;");
        Add(sql, $"INSERT INTO users (id, name, role, created_at) VALUES ('{id}', '{id}', '{role}', now());");
        foreach (var group in groups)
        {
            Add(sql, $"INSERT INTO groups (id, provider_id, external_id, name, created_at) VALUES ('{group}', '', '{group}', '{group}', now()) ON CONFLICT DO NOTHING;");
            Add(sql, $"INSERT INTO group_members (group_id, user_id) VALUES ('{group}', '{id}');");
        }

        Add(sql, $"INSERT INTO api_keys (id, user_id, name, prefix, hash, scopes, created_at) VALUES ('{keyId}', '{id}', 'test', 'obot_{keyId[..8]}', '\\x{hash}', ARRAY['mcp', 'api', 'llm'], now());");
        await ExecuteAsync(cluster, sql.Append("COMMIT;").ToString());
        return new(id, key);
    }

    public static Task ExecuteAsync(ObotCluster cluster, string sql) => QueryAsync(cluster, sql);

    /// <summary>Lines of what it selects, columns divided by <c>|</c>.</summary>
    public static async Task<IReadOnlyList<string>> QueryAsync(ObotCluster cluster, string sql)
    {
        var port = File.ReadLines(Path.Combine(Postgres(cluster), "postmaster.pid")).ElementAt(3);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PGPASSWORD"] = File.ReadAllText(Path.Combine(cluster.Data, "postgres.password")).Trim() };
        var run = await ProcessRunner.RunAsync(
            "psql", ["-h", "127.0.0.1", "-p", port, "-U", "obot", "-d", "obot", "-v", "ON_ERROR_STOP=1", "-q", "-A", "-t", "-c", sql], Limit, environment);
        return run.Checked().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>All processes of the cluster's database.</summary>
    public static IReadOnlyList<int> DatabasePids(ObotCluster cluster)
    {
        var postmaster = int.Parse(File.ReadLines(Path.Combine(Postgres(cluster), "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        return [postmaster, .. Proc.Descendants(postmaster)];
    }

    private static string Postgres(ObotCluster cluster) => Path.Combine(cluster.Data, "postgres", "data");

    private static string Random(int length) => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", length);

    private static void Add(StringBuilder sql, FormattableString statement) => sql.Append(CultureInfo.InvariantCulture, $"{statement.ToString(CultureInfo.InvariantCulture)}");
}
