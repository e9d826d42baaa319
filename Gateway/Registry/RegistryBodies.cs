using System.Text;
using System.Text.Json.Serialization;
using Obot.Grains.Abstractions.Catalog;

namespace Obot.Gateway.Registry;

/// <summary>Answer of a list (ServerList of the registry's OpenAPI document).</summary>
internal sealed record ServerListBody(IReadOnlyList<ServerResponseBody> Servers, ListMetadataBody Metadata);

internal sealed record ListMetadataBody(string? NextCursor, int Count);

/// <summary>One server (ServerResponse): <c>server.json</c> and what the registry says about it.</summary>
internal sealed record ServerResponseBody(ServerJsonBody Server, [property: JsonPropertyName("_meta")] RegistryMetaBody Meta)
{
    private const int MaxText = 100;

    public static ServerResponseBody Of(RegistryItem item, string nameSpace, string publicUrl) => new(
        new ServerJsonBody
        {
            Name = $"{nameSpace}/{item.Name}",
            Title = Short(item.Title, item.Name),
            Description = Short(item.Description, item.Title),
            Version = item.Version,
            Repository = RepositoryBody.Of(item.RepositoryUrl),
            Remotes = [new("streamable-http", $"{publicUrl}/mcp-connect/{item.ConnectId}")],
        },
        new RegistryMetaBody(
            new(item.DeletedAt is null ? "active" : "deleted", item.DeletedAt ?? item.PublishedAt, item.PublishedAt, item.UpdatedAt, IsLatest: true),
            new(item.ConnectId, item.Runtime, item.Categories)));

    /// <summary>One line of at most 100 characters, and never none.</summary>
    private static string Short(string text, string otherwise)
    {
        var line = Line(text);
        line = line.Length == 0 ? Line(otherwise) : line;
        if (line.Length <= MaxText)
        {
            return line.Length == 0 ? "-" : line;
        }

        var cut = MaxText - 1;
        return (char.IsHighSurrogate(line[cut - 1]) ? line[..(cut - 1)] : line[..cut]).TrimEnd() + "…";
    }

    private static string Line(string text) =>
        (text.Split('\n').Select(line => line.Trim().TrimStart('#').Trim()).FirstOrDefault(line => line.Length > 0) ?? "").Replace('\t', ' ');
}

/// <summary><c>server.json</c> of schema 2025-12-11.</summary>
internal sealed record ServerJsonBody
{
    public const string SchemaUri = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

    [JsonPropertyName("$schema")]
    public string Schema { get; init; } = SchemaUri;
    public required string Name { get; init; }
    public required string Title { get; init; }
    public required string Description { get; init; }
    public required string Version { get; init; }
    public RepositoryBody? Repository { get; init; }
    public required IReadOnlyList<RemoteBody> Remotes { get; init; }
}

internal sealed record RepositoryBody(string Url, string Source)
{
    private const int MaxUrl = 2000;

    /// <summary>Null when it is no address of the web.</summary>
    public static RepositoryBody? Of(string? url) =>
        url is { Length: > 0 and <= MaxUrl } && Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" && uri.UserInfo.Length == 0 && Uri.IsWellFormedUriString(url, UriKind.Absolute)
            ? new(url, uri.Host switch { "github.com" => "github", "gitlab.com" => "gitlab", var host => host })
            : null;
}

internal sealed record RemoteBody(string Type, string Url);

internal sealed record RegistryMetaBody(
    [property: JsonPropertyName("io.modelcontextprotocol.registry/official")] OfficialMetaBody Official,
    [property: JsonPropertyName("ai.obot.orleans/server")] OwnMetaBody Own);

internal sealed record OfficialMetaBody(string Status, DateTimeOffset StatusChangedAt, DateTimeOffset PublishedAt, DateTimeOffset UpdatedAt, bool IsLatest);

/// <summary>What we say beyond the registry's own vocabulary.</summary>
/// <param name="Id">Of the catalog entry or server.</param>
internal sealed record OwnMetaBody(string Id, string Runtime, IReadOnlyList<string> Categories);

internal sealed record RegistryErrorBody(string Error);

/// <summary>The namespace of our names: the public URL's host, turned around.</summary>
internal static class RegistryNamespace
{
    public static string Of(string publicUrl)
    {
        var uri = new Uri(publicUrl);
        var host = uri.HostNameType is UriHostNameType.Dns ? string.Join('.', uri.IdnHost.TrimEnd('.').Split('.').Reverse()) : uri.Host;
        var name = new StringBuilder(host.Length);
        foreach (var c in host)
        {
            name.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '-');
        }

        return name.ToString();
    }
}
