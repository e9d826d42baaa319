using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace Obot.SystemTests.Rig;

/// <summary>Records of calls for exports, written straight into the table, and what an export to the silo's directory holds.</summary>
internal static class ExportedRecords
{
    public const string Server = "ms1test";

    /// <summary>Of the last four hours, of today.</summary>
    public static Task AddAsync(ObotCluster cluster, int count)
    {
        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        return People.ExecuteAsync(cluster, string.Create(CultureInfo.InvariantCulture,
            $"""
            CREATE TABLE IF NOT EXISTS mcp_audit_logs_{today:yyyyMMdd} PARTITION OF mcp_audit_logs FOR VALUES FROM ('{today:yyyy-MM-dd} 00:00:00+00') TO ('{today.AddDays(1):yyyy-MM-dd} 00:00:00+00');
            INSERT INTO mcp_audit_logs (at, id, user_id, server_id, method, identifier, status, duration_us, request_bytes, response_bytes)
            SELECT greatest(now() - interval '4 hours' * n / {count}, date_trunc('day', now(), 'UTC')), gen_random_uuid(), 'u1test', '{Server}', 'tools/call', 'echo', 200, 1000, 10, 20 FROM generate_series(1, {count}) n
            """));
    }

    public static IReadOnlyList<JsonNode> Of(ObotCluster cluster, JsonNode export) =>
    [
        .. export["objects"]!.AsArray().Select(name => Directory.EnumerateFiles(cluster.Data, Path.GetFileName(name!.GetValue<string>()), SearchOption.AllDirectories).Single())
            .SelectMany(file => Lines(File.ReadAllBytes(file))),
    ];

    private static IEnumerable<JsonNode> Lines(byte[] zipped)
    {
        using var zip = new GZipStream(new MemoryStream(zipped), CompressionMode.Decompress);
        using var reader = new StreamReader(zip, Encoding.UTF8);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }
}
