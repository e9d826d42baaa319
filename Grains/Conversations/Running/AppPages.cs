using System.Text;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Conversations.Running;

/// <summary>Reads pages of MCP Apps (SEP-1865) by the gateway's door, as whoever looks: their rules, their record.</summary>
internal sealed class AppPages(GatewayDoor door, IMcpServers servers, TimeProvider time)
{
    private const int MostHtml = 2 * 1024 * 1024;
    private const int MostDomains = 20;

    /// <exception cref="ServerUnavailableException">The server, or the page on it, cannot be had.</exception>
    public async Task<AppPage> ReadAsync(Principal caller, string serverId, string uri, CancellationToken cancellationToken)
    {
        await using var connectors = new Connectors(door, servers, caller, null, time);
        try
        {
            var client = await connectors.OpenAsync(serverId, cancellationToken);
            var page = (await client.ReadResourceAsync(uri, cancellationToken: cancellationToken)).Contents.FirstOrDefault(content => content.MimeType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) == true);
            var html = page switch
            {
                TextResourceContents text => text.Text,
                BlobResourceContents blob => Encoding.UTF8.GetString(blob.DecodedData.Span),
                _ => throw new ServerUnavailableException($"The server has no HTML at '{uri}'."),
            };
            if (html.Length > MostHtml)
            {
                throw new ServerUnavailableException($"The page at '{uri}' is longer than {MostHtml / 1024 / 1024} MB.");
            }

            var ui = page.Meta?["ui"] as JsonObject;
            var csp = ui?["csp"] as JsonObject;
            return new(uri, html, Domains(csp?["connectDomains"]), Domains(csp?["resourceDomains"]), ui?["prefersBorder"] is JsonValue border && border.TryGetValue<bool>(out var wished) ? wished : null);
        }
        catch (Exception e) when (e is not ServerUnavailableException && !cancellationToken.IsCancellationRequested)
        {
            throw new ServerUnavailableException(RunWords.Of(e));
        }
    }

    /// <summary>Origins as a Content-Security-Policy takes them; whatever else a server wrote is left out.</summary>
    internal static IReadOnlyList<string> Domains(JsonNode? list) =>
        [.. (list as JsonArray ?? []).OfType<JsonValue>().Select(one => one.TryGetValue<string>(out var text) ? text : "").Where(IsOrigin).Distinct(StringComparer.Ordinal).Take(MostDomains)];

    private static bool IsOrigin(string text) =>
        text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is ':' or '/' or '.' or '-' or '*')
        && Uri.TryCreate(text.Replace("*.", "any.", StringComparison.Ordinal), UriKind.Absolute, out var uri) && uri.Scheme is "https" or "wss"
        && uri.Host.Length > 0 && !uri.Host.Contains('*', StringComparison.Ordinal) && uri.AbsolutePath == "/" && !text.EndsWith('/');
}
