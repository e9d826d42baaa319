using System.Collections;
using System.ComponentModel;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Obot.ConformanceServer.Tools;

/// <summary>What the suite has no tool for: sizes, waiting, streams, and a look at what reached this process.</summary>
[McpServerToolType]
internal sealed class LoadTools
{
    private const int Megabyte = 1024 * 1024;
    private static readonly SemaphoreSlim Noting = new(1);

    [McpServerTool(Name = "echo"), Description("Answers with the message, or with text of the given size in bytes")]
    public static string Echo([Description("Bytes of text")] int size = 5, [Description("What to answer instead")] string? message = null) =>
        message is null ? new string('x', size) : $"Echo: {message}";

    [McpServerTool(Name = "big"), Description("Answers with megabytes of text")]
    public static string Big([Description("Megabytes of text")] int mb) => new('x', mb * Megabyte);

    [McpServerTool(Name = "slow"), Description("Waits; notes in FIXTURE_LOG when it began and how it ended")]
    public static Task<string> Slow([Description("Milliseconds")] int delay, [Description("Appended to the notes")] string tag = "", CancellationToken cancellationToken = default) =>
        NotedAsync(tag, async () =>
        {
            await Task.Delay(delay, cancellationToken);
            return $"waited {delay} ms";
        });

    [McpServerTool(Name = "stream"), Description("Sends progress notifications, then answers; notes as slow does")]
    public static Task<string> Stream(
        RequestContext<CallToolRequestParams> context,
        [Description("Notifications")] int count,
        [Description("Milliseconds between them")] int interval = 0,
        [Description("Appended to the notes")] string tag = "",
        CancellationToken cancellationToken = default) =>
        NotedAsync(tag, async () =>
        {
            for (var sent = 1; sent <= count; sent++)
            {
                if (context.Params!.ProgressToken is { } token)
                {
                    var value = new ProgressNotificationValue { Progress = sent, Total = count };
                    await context.Server.NotifyProgressAsync(token, value, cancellationToken: cancellationToken);
                }

                await Task.Delay(interval, cancellationToken);
            }

            return $"sent {count}";
        });

    [McpServerTool(Name = "env"), Description("The environment of this process as a JSON object")]
    public static string Env() => JsonSerializer.Serialize(
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value, StringComparer.Ordinal));

    [McpServerTool(Name = "pid"), Description("The id of this process")]
    public static int Pid() => Environment.ProcessId;

    private static async Task<string> NotedAsync(string tag, Func<Task<string>> work)
    {
        await NoteAsync("started", tag);
        try
        {
            var result = await work();
            await NoteAsync("finished", tag);
            return result;
        }
        catch (OperationCanceledException)
        {
            await NoteAsync("cancelled", tag);
            throw;
        }
    }

    /// <summary>One at a time: two that append at once overwrite each other.</summary>
    private static async Task NoteAsync(string what, string tag)
    {
        if (Environment.GetEnvironmentVariable("FIXTURE_LOG") is { Length: > 0 } file)
        {
            await Noting.WaitAsync(CancellationToken.None);
            try
            {
                await File.AppendAllTextAsync(file, $"{what} {tag}".TrimEnd() + "\n", CancellationToken.None);
            }
            finally
            {
                Noting.Release();
            }
        }
    }
}
