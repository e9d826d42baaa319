using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting;

namespace Obot.Grains.Catalog.Import;

/// <inheritdoc cref="IManifestImport"/>
internal sealed class ManifestImport : IManifestImport
{
    private const int MaxBytes = 1024 * 1024;
    private const int MaxServers = 200;
    private const string Accepted =
        "Paste a 'server.json' of the MCP registry, the block \"mcpServers\" of a client's settings (\"servers\" in VS Code), or a manifest with 'name' and 'runtime'.";

    public ImportedManifests Read(string json)
    {
        var warnings = new List<string>();
        (string Field, ServerManifest Manifest)[] found = [.. Parse(json).SelectMany(node => Of(node, warnings)).Take(MaxServers + 1)];
        if (found.Length is 0 or > MaxServers)
        {
            throw new InvalidInputException("body", found.Length == 0 ? $"There is no server in it. {Accepted}" : $"At most {MaxServers} servers at once.");
        }

        foreach (var (field, manifest) in found)
        {
            ManifestValidation.Check(manifest, field);
        }

        return new([.. found.Select(one => one.Manifest)], warnings);
    }

    private static IEnumerable<JsonObject> Parse(string json)
    {
        if (json.Length > MaxBytes)
        {
            throw new InvalidInputException("body", $"At most {MaxBytes} characters.");
        }

        try
        {
            var node = JsonNode.Parse(json, documentOptions: new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 64, AllowDuplicateProperties = false });
            return node switch
            {
                JsonArray items => [.. items.OfType<JsonObject>()],
                JsonObject one => [one],
                _ => throw new InvalidInputException("body", Accepted),
            };
        }
        catch (JsonException e)
        {
            throw new InvalidInputException("body", $"Not valid JSON at line {e.LineNumber + 1}, position {e.BytePositionInLine + 1}. {Accepted}");
        }
    }

    private static IEnumerable<(string Field, ServerManifest Manifest)> Of(JsonObject node, List<string> warnings)
    {
        // settings of editors keep the block deeper
        if (node["mcp"] is JsonObject mcp && (mcp["servers"] ?? mcp["mcpServers"]) is JsonObject)
        {
            node = mcp;
        }

        if (node["mcpServers"] is JsonObject block)
        {
            return ClientBlock.Read(block, null, "mcpServers", warnings);
        }

        if (node["servers"] is JsonObject servers)
        {
            return ClientBlock.Read(servers, node["inputs"] as JsonArray, "servers", warnings);
        }

        if (node["servers"] is JsonArray list)
        {
            return list.OfType<JsonObject>().SelectMany((one, i) => new[] { ($"servers[{i}]", ServerJson.Read(one["server"] as JsonObject ?? one, $"servers[{i}]", warnings)) });
        }

        if (node["server"] is JsonObject inner)
        {
            return [("server", ServerJson.Read(inner, "server", warnings))];
        }

        if (node["packages"] is JsonArray || node["remotes"] is JsonArray)
        {
            return [("server", ServerJson.Read(node, "server", warnings))];
        }

        return node["runtime"] is not null ? [("manifest", Manifest(node))] : throw new InvalidInputException("body", Accepted);
    }

    private static ServerManifest Manifest(JsonObject node)
    {
        try
        {
            return ManifestEntries.Restore(node.Deserialize<ServerManifest>(ManifestJson.Options)!, null);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(e.Path is { Length: > 2 } path ? $"manifest{path[1..]}" : "manifest", "The value does not fit the field.");
        }
    }
}
