using System.Text.Json.Nodes;

namespace Obot.SystemTests.Rig;

/// <summary>A client that goes away in the middle of a call to the fixture's <c>slow</c>.</summary>
internal static class Disconnect
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Calls, disconnects once the server has begun, and returns how the call ended there: <c>cancelled</c> or <c>finished</c>.</summary>
    public static async Task<string> MidCallAsync(McpHttp client, bool modern, string log, string tag)
    {
        var arguments = new JsonObject { ["delay"] = 3000, ["tag"] = tag };
        using var gone = new CancellationTokenSource();
        var session = modern ? null : await client.InitializeAsync(TestContext.Current.CancellationToken);
        var call = modern ? client.ModernToolAsync("slow", arguments, gone.Token) : client.ToolAsync("slow", arguments, session, gone.Token);
        await LineAsync(log, tag, "started", line => line is "started");
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        return await LineAsync(log, tag, "ended", line => line is "cancelled" or "finished");
    }

    private static async Task<string> LineAsync(string log, string tag, string phase, Func<string, bool> good)
    {
        var found = await Eventually.ReadAsync(
            $"call {tag}",
            phase,
            Limit,
            async () => (await File.ReadAllLinesAsync(log)).Where(line => line.EndsWith($" {tag}", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]).LastOrDefault(good),
            line => line is not null);
        return found!;
    }
}
