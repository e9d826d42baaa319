using System.Text.Json;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>The tools of a modern child whose arguments are repeated in headers, as its <c>tools/list</c> says.</summary>
internal static class ToolListing
{
    private const int MaxPages = 64;

    /// <returns>By the tool's name; tools without such arguments are left out. What a server lists wrongly is as if not listed.</returns>
    /// <exception cref="CallRefusedException">The request was not sent; <see cref="ConnectionGoneException"/> likewise.</exception>
    public static async Task<IReadOnlyDictionary<string, IReadOnlyList<MirroredParameter>>> ReadAsync(SharedConnection connection, CancellationToken cancellationToken)
    {
        var tools = new Dictionary<string, IReadOnlyList<MirroredParameter>>(StringComparer.Ordinal);
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var call = await connection.CallAsync(Request(cursor), acceptsStream: false, cancellationToken);
            try
            {
                if (await call.Messages.TakeFinalAsync(cancellationToken) is not { ErrorCode: null } answer || (cursor = Read(answer.Bytes, tools)) is null)
                {
                    break;
                }
            }
            finally
            {
                // nothing when it was answered
                await connection.CancelAsync(call);
            }
        }

        return tools;
    }

    /// <param name="cursor">Raw token.</param>
    private static IncomingMessage Request(string? cursor) => IncomingMessage.Of(
        $$$"""{"jsonrpc":"2.0","id":0,"method":"tools/list","params":{{{{(cursor is null ? "" : $"\"cursor\":{cursor},")}}}"_meta":{"io.modelcontextprotocol/protocolVersion":"{{{McpVersions.Modern}}}","io.modelcontextprotocol/clientInfo":{"name":"obot","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{} } } }""");

    /// <returns>Raw token of the next page's cursor, or null.</returns>
    private static string? Read(ReadOnlyMemory<byte> answer, Dictionary<string, IReadOnlyList<MirroredParameter>> tools)
    {
        using var document = JsonDocument.Parse(answer, new JsonDocumentOptions { MaxDepth = EnvelopeReader.MaxDepth });
        var root = document.RootElement;
        if (!root.TryGetProperty("result"u8, out var result) || result.ValueKind != JsonValueKind.Object
            || !result.TryGetProperty("tools"u8, out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        foreach (var tool in list.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.Object))
        {
            Read(tool, tools);
        }

        return result.TryGetProperty("nextCursor"u8, out var next) && next.ValueKind == JsonValueKind.String ? next.GetRawText() : null;
    }

    private static void Read(JsonElement tool, Dictionary<string, IReadOnlyList<MirroredParameter>> tools)
    {
        try
        {
            if (tool.TryGetProperty("name"u8, out var name) && name.ValueKind == JsonValueKind.String
                && tool.TryGetProperty("inputSchema"u8, out var schema) && MirroredParameter.Of(schema) is { Count: > 0 } parameters)
            {
                tools[name.GetString()!] = parameters;
            }
        }
        catch (InvalidOperationException)
        {
            // an escaped lone surrogate: what cannot be named cannot be called
        }
    }
}
