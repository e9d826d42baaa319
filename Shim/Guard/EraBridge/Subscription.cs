using System.Text;
using System.Text.Json;
using Obot.Shim.Contracts;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.EraBridge;

/// <summary><c>subscriptions/listen</c> over a legacy session: its GET stream, and <c>resources/subscribe</c> for each URI.</summary>
internal sealed class Subscription(UpstreamHttp http)
{
    private const int MaxEvent = 4 * 1024 * 1024;
    private const int MaxResources = 100;
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    public async Task RunAsync(GuardCall call, ModernAnswer answer, LegacySession session, JsonElement wanted)
    {
        var aborted = call.Context.RequestAborted;
        var agreed = Agreed(wanted, session);
        var response = await http.GetAsync(call, session.Id, session.Version, aborted);
        using var stream = new UpstreamCall(session, 0, default, logs: false, response, MaxEvent);
        await answer.BeginStreamAsync();
        await answer.SendAsync(Translation.Subscribed("notifications/subscriptions/acknowledged", agreed, call.Id));
        foreach (var uri in Uris(agreed))
        {
            var message = Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","id":{{{session.NextId()}}},"method":"resources/subscribe","params":{"uri":{{{JsonSerializer.Serialize(uri, ShimJson.Default.String)}}} } }""");
            using var subscribed = await http.PostAsync(call, message, session.Id, session.Version, aborted);
        }

        if (!response.IsSuccessStatusCode)
        {
            // a server without such a stream has nothing to tell: the client's stays open, as it was promised
            while (true)
            {
                await Task.Delay(KeepAlive, aborted);
                await answer.KeepAliveAsync();
            }
        }

        var reading = stream.NextAsync(aborted);
        while (true)
        {
            if (await Task.WhenAny(reading, Task.Delay(KeepAlive, aborted)) != reading)
            {
                await answer.KeepAliveAsync();
                continue;
            }

            if (await reading is not { } message)
            {
                return;
            }

            await TellAsync(call, answer, agreed, message);
            reading = stream.NextAsync(aborted);
        }
    }

    private static async Task TellAsync(GuardCall call, ModernAnswer answer, JsonElement agreed, ReadOnlyMemory<byte> message)
    {
        if (EnvelopeReader.Read(message.Span) is not { Kind: EnvelopeKind.Notification, Method: { } method })
        {
            return;
        }

        var isWanted = method switch
        {
            "notifications/tools/list_changed" => Has(agreed, "toolsListChanged"),
            "notifications/prompts/list_changed" => Has(agreed, "promptsListChanged"),
            "notifications/resources/list_changed" => Has(agreed, "resourcesListChanged"),
            "notifications/resources/updated" => Has(agreed, "resourceSubscriptions"),
            _ => false,
        };
        if (isWanted)
        {
            using var document = JsonDocument.Parse(message);
            await answer.SendAsync(Translation.Subscribed(method, document.RootElement.TryGetProperty("params", out var parameters) ? parameters : default, call.Id));
        }
    }

    /// <summary>What was asked for and the server can do.</summary>
    private static JsonElement Agreed(JsonElement wanted, LegacySession session)
    {
        session.Result.TryGetProperty("capabilities", out var can);
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("notifications"u8);
            foreach (var (name, feature) in (ReadOnlySpan<(string, string)>)[("toolsListChanged", "tools"), ("promptsListChanged", "prompts"), ("resourcesListChanged", "resources")])
            {
                if (wanted.ValueKind is JsonValueKind.Object && wanted.TryGetProperty(name, out var asked) && asked.ValueKind is JsonValueKind.True && Can(can, feature, "listChanged"))
                {
                    writer.WriteBoolean(name, value: true);
                }
            }

            if (wanted.ValueKind is JsonValueKind.Object && wanted.TryGetProperty("resourceSubscriptions", out var uris) && uris.ValueKind is JsonValueKind.Array && Can(can, "resources", "subscribe"))
            {
                writer.WritePropertyName("resourceSubscriptions"u8);
                uris.WriteTo(writer);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static IEnumerable<string> Uris(JsonElement agreed) =>
        agreed.GetProperty("notifications").TryGetProperty("resourceSubscriptions", out var uris)
            ? uris.EnumerateArray().Where(uri => uri.ValueKind is JsonValueKind.String).Take(MaxResources).Select(uri => uri.GetString()!)
            : [];

    private static bool Has(JsonElement agreed, string name) => agreed.GetProperty("notifications").TryGetProperty(name, out _);

    private static bool Can(JsonElement capabilities, string feature, string what) =>
        capabilities.ValueKind is JsonValueKind.Object && capabilities.TryGetProperty(feature, out var offered) && offered.ValueKind is JsonValueKind.Object
        && offered.TryGetProperty(what, out var flag) && flag.ValueKind is JsonValueKind.True;
}
